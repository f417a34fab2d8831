"""Reads a topic from its beginning to its present end, as a tool or a test wants it."""

import asyncio
from datetime import timedelta

from aiokafka import AIOKafkaConsumer, ConsumerRecord

from runtime.kafka.alone import start_alone
from runtime.kafka.closing import close

POLL = timedelta(milliseconds=200)
WITHIN = timedelta(seconds=60)


async def read_to_end(bootstrap: str, topic: str) -> list[ConsumerRecord[bytes, bytes]]:
    """Return what is committed on the topic now; in order within a partition. Joins no group.

    Raises KafkaError, or TimeoutError after `WITHIN`.
    """
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    found: list[ConsumerRecord[bytes, bytes]] = []
    try:
        async with asyncio.timeout(WITHIN.total_seconds()):
            places = await start_alone(consumer)
            ends = await consumer.end_offsets(places)
            while any([await consumer.position(place) < ends[place] for place in places]):
                batches = await consumer.getmany(timeout_ms=int(POLL.total_seconds() * 1_000))
                found += [record for records in batches.values() for record in records]
    finally:
        await close(consumer)
    return found
