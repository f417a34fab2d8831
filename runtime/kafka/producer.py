"""Hands records to the broker and says when it has them (architecture, promise 1).

aiokafka buffers and goes on trying while the broker is away. To its callers that would be a
growing pile and a late answer, so `Producer` answers within a time and, while an overdue record
is still undecided, refuses new ones at once: the overdue ones are the probe that tells when the
broker is back.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from runtime.errors import BrokerAway
from runtime.kafka.partitions import partition_of
from runtime.kafka.sealing import TopicKeys
from schemas.topics.topic import Outgoing

log = logging.getLogger(__name__)

LINGER = timedelta(milliseconds=2)
"""Lets records of one moment travel together; well below any latency we promise."""

BATCH_BYTES = 256 * 1_024
REQUEST_BYTES = 4 * 1_024 * 1_024
STOP_WITHIN = timedelta(seconds=5)


class Producer:
    """An idempotent producer with acknowledgement by all replicas.

    It seals what its topic wants sealed; without keys everything goes as it is.
    """

    def __init__(self, bootstrap: str, client_id: str, keys: TopicKeys | None) -> None:
        self._bootstrap = bootstrap
        self._client_id = client_id
        self._keys = keys
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()
        self._overdue: set[asyncio.Future[Any]] = set()
        self._closing: set[asyncio.Future[None]] = set()

    @property
    def is_away(self) -> bool:
        """Whether records handed over earlier are overdue."""
        return bool(self._overdue)

    async def reach(self, *, within: timedelta) -> None:
        """Connect, where that has not happened yet, and have a broker answer.

        Raises `BrokerAway` where that fails, or while earlier records are overdue.
        """
        if self._overdue:
            raise BrokerAway("earlier records are overdue")
        try:
            async with asyncio.timeout(within.total_seconds()):
                producer = await self._ready()
                # A broker that died while nothing was published shows only when it is asked.
                await producer.client.fetch_all_metadata()
        except (TimeoutError, KafkaError) as error:
            raise BrokerAway(type(error).__name__) from error

    async def publish(self, records: Sequence[Outgoing], *, within: timedelta) -> None:
        """Return when the broker has all the records, in their order per partition.

        Raises `BrokerAway` when it does not say so in time. The records may still arrive later:
        every record of ours carries a deterministic id, so publishing it again is harmless.
        """
        if not records:
            return
        if self._overdue:
            raise BrokerAway("earlier records are overdue")
        handed: list[asyncio.Future[Any]] = []  # what a time-out leaves undecided
        try:
            async with asyncio.timeout(within.total_seconds()):
                producer = await self._ready()
                await _hand_over(producer, self._sealed(records), handed)
                await _acknowledged(handed)
        except TimeoutError as error:
            self._watch(handed)
            raise BrokerAway("not acknowledged in time") from error
        except KafkaError as error:
            self._discard()
            raise BrokerAway(type(error).__name__) from error

    async def stop(self) -> None:
        """Send what is buffered, for a bounded time, and close."""
        self._discard()
        if self._closing:
            await asyncio.wait(self._closing)

    def _sealed(self, records: Sequence[Outgoing]) -> Sequence[Outgoing]:
        keys = self._keys
        return records if keys is None else [keys.sealed(record) for record in records]

    async def _ready(self) -> AIOKafkaProducer:
        if self._producer is not None:
            return self._producer
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    bootstrap_servers=self._bootstrap,
                    client_id=self._client_id,
                    acks="all",
                    enable_idempotence=True,
                    linger_ms=int(LINGER.total_seconds() * 1_000),
                    max_batch_size=BATCH_BYTES,
                    max_request_size=REQUEST_BYTES,
                )
                try:
                    await producer.start()
                except BaseException:
                    self._close(producer)
                    raise
                self._producer = producer
            return self._producer

    def _watch(self, handed: Sequence[asyncio.Future[Any]]) -> None:
        undecided = {future for future in handed if not future.done()}
        if undecided and not self._overdue:
            log.warning("broker.away", extra={"records_undecided": len(undecided)})
        self._overdue |= undecided
        for future in undecided:
            future.add_done_callback(self._decided)

    def _decided(self, future: asyncio.Future[Any]) -> None:
        self._overdue.discard(future)
        if not future.cancelled() and future.exception() is not None:
            # The producer may have given up on its sequence numbers: begin with a fresh one.
            self._discard()
        if not self._overdue:
            log.info("broker.back")

    def _discard(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            self._close(producer)

    def _close(self, producer: AIOKafkaProducer) -> None:
        # Aside: it may take seconds while the broker is away, and nobody's answer waits for it.
        closing = asyncio.ensure_future(_close(producer))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)


async def _hand_over(
    producer: AIOKafkaProducer, records: Sequence[Outgoing], handed: list[asyncio.Future[Any]]
) -> None:
    partitions: dict[str, int] = {}
    for record in records:
        topic = record.topic
        if topic not in partitions:
            partitions[topic] = len(await producer.partitions_for(topic))
        handed.append(
            await producer.send(
                topic,
                value=record.value,
                key=record.key,
                partition=partition_of(record.key, partitions[topic]),
                headers=list(record.headers),
            )
        )


async def _acknowledged(handed: Sequence[asyncio.Future[Any]]) -> None:
    # Not gather: its cancellation would cancel the futures, and a shield around each costs more
    # than the wait itself.
    await asyncio.wait(handed, return_when=asyncio.FIRST_EXCEPTION)
    # Every error is looked at: asyncio complains of those that nobody asked for.
    errors = [future.exception() for future in handed if future.done()]
    error = next((error for error in errors if error is not None), None)
    if error is not None:
        for future in handed:
            future.add_done_callback(_look_at)
        raise error


def _look_at(future: asyncio.Future[Any]) -> None:
    if not future.cancelled():
        future.exception()


async def _close(producer: AIOKafkaProducer) -> None:
    try:
        async with asyncio.timeout(STOP_WITHIN.total_seconds()):
            await producer.stop()
    except (TimeoutError, KafkaError) as error:
        log.warning("producer.closed_unclean", extra={"reason": type(error).__name__})
