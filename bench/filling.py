"""Fills `send-requests` as fast as one process can: what a backlog of a million is made with."""

import asyncio
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec
from aiokafka import AIOKafkaProducer

from bench.load import bare_producer
from runtime.kafka.partitions import partition_of
from schemas.topics.contents import TextContent
from schemas.topics.registry import PARTITIONS
from schemas.topics.send_requests import SEND_REQUESTS, SendRequested, conversation_of

RECIPIENTS: Final = 5_000
"""+1 650 555 0000 to 4999 take turns; urgent messages go to others (bench.urgency)."""
UNDER_WAY: Final = 64
"""Batches that the broker has not acknowledged yet; some 16 MB."""
if TYPE_CHECKING:
    # Names of the annotations alone; where aiokafka keeps them is its own affair.
    from aiokafka import BatchBuilder, RecordMetadata

_ID: Final = "the-message-id"


class _Filling:
    """Batches, one a partition, that are handed over when they are full.

    `AIOKafkaProducer.send` for each record would take three times as long.
    """

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer
        self._batches: dict[int, BatchBuilder] = {}
        self._under_way: deque[asyncio.Future[RecordMetadata]] = deque()

    async def add(self, partition: int, key: bytes, value: bytes) -> None:
        batch = self._batches.get(partition)
        if batch is None:
            batch = self._batches[partition] = self._producer.create_batch()
        if batch.append(key=key, value=value, timestamp=None) is None:
            await self._hand_over(partition)
            await self.add(partition, key, value)

    async def end(self) -> None:
        for partition in list(self._batches):
            await self._hand_over(partition)
        for future in self._under_way:
            await future

    async def _hand_over(self, partition: int) -> None:
        batch = self._batches.pop(partition)
        self._under_way.append(
            await self._producer.send_batch(batch, SEND_REQUESTS.name, partition=partition)
        )
        while len(self._under_way) > UNDER_WAY:
            await self._under_way.popleft()


async def fill(bootstrap: str, count: int, run: str, *, sender: str) -> None:
    """Put that many requests of one sender on the topic; returns when the broker has them."""
    keys: dict[int, tuple[int, bytes, bytes, bytes]] = {}
    for number in range(min(count, RECIPIENTS)):
        request = _request(sender, number)
        key = conversation_of(request).encode()
        before, after = msgspec.json.encode(request).split(_ID.encode())
        keys[number] = partition_of(key, PARTITIONS), key, before, after
    async with bare_producer(bootstrap) as producer:
        filling = _Filling(producer)
        for number in range(count):
            partition, key, before, after = keys[number % RECIPIENTS]
            await filling.add(partition, key, b"%b%b-%d%b" % (before, run.encode(), number, after))
        await filling.end()


def _request(sender: str, number: int) -> SendRequested:
    return SendRequested(
        message_id=_ID,
        channel="whatsapp",
        sender_id=sender,
        recipient=f"+1650555{number:04d}",
        content=TextContent(body="Hi Ada, your order A-17 is ready for pickup at Elm St."),
        requested_at=datetime.now(UTC),
    )
