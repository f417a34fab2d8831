"""Bare consumers: of one topic from its present end, and of what was written in a stretch of it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from pydantic import SecretStr

from bench.arena import TOPIC_KEY
from runtime.kafka.sealing import TopicKeys, TopicKeySettings
from schemas.topics.registry import PARTITIONS

Record = ConsumerRecord[bytes, bytes]
Offsets = dict[TopicPartition, int]

KEYS = TopicKeys(TopicKeySettings(topic_encryption_key=SecretStr(TOPIC_KEY)))
"""What opens the records of all systems of the benchmarks."""


def value_of(record: Record) -> bytes:
    """Return a record's bytes in the clear."""
    return KEYS.clear(record)[0] or b""


@asynccontextmanager
async def reader(
    bootstrap: str, topic: str, *, isolation: str = "read_committed"
) -> AsyncGenerator[AIOKafkaConsumer]:
    """Lend a consumer outside any group that stands at the end of every partition."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, isolation_level=isolation, enable_auto_commit=False
    )
    await consumer.start()
    try:
        places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        consumer.assign(places)
        for place, end in (await consumer.end_offsets(places)).items():
            consumer.seek(place, end)
        yield consumer
    finally:
        await consumer.stop()


async def ends_of(bootstrap: str, topic: str) -> Offsets:
    """Return the offset after the last record, by partition."""
    async with reader(bootstrap, topic) as consumer:
        return await consumer.end_offsets(consumer.assignment())


async def since(bootstrap: str, topic: str, starts: Offsets) -> list[Record]:
    """Return the records from these offsets up to the present end."""
    async with reader(bootstrap, topic) as consumer:
        ends = await consumer.end_offsets(list(starts))
        for place, start in starts.items():
            consumer.seek(place, start)
        found: list[Record] = []
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            polled = await consumer.getmany(timeout_ms=200)
            found += [record for records in polled.values() for record in records]
        return found
