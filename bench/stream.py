"""What our stream costs on top of a bare consumer."""

import asyncio
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.arena import SENDERS, Arena
from bench.load import SOURCE, bare_producer, offer
from bench.measurement import Measurement, Reading, in_turns
from bench.readers import KEYS
from runtime.clock import now
from runtime.kafka.dead_letters import DeadLetters
from runtime.kafka.producer import Producer
from runtime.kafka.stream import Delivery, Group, Stream, StreamConfig
from schemas.topics.provider_events import PROVIDER_EVENTS, StatusReported

TITLE = "The stream runtime"
HOW = """\
60,000 records of `provider-events` wait, sealed. Our `Stream` hands them to a handler that
finishes each and does nothing else; the raw limit is aiokafka's consumer with the same settings
whose batches are counted and thrown away, neither opened nor decoded nor tracked, and never
committed.
From the first batch to the last, medians of three."""

RECORDS = 60_000
IN_FLIGHT = 2_000
ENDS_WITHIN = timedelta(seconds=30)


class _Counting:
    """A handler that finishes everything and notes when."""

    def __init__(self, count: int) -> None:
        self._left = count
        self._count = count
        self._began = 0.0
        self._cpu = 0.0
        self.reading: asyncio.Future[Reading] = asyncio.get_running_loop().create_future()

    async def assigned(self, places: Collection[TopicPartition], group: Group) -> None:
        """Begin to count."""
        del places, group
        self.begin()

    def begin(self) -> None:
        """Begin to count, at the first batch."""
        if not self._began:
            self._began, self._cpu = time.perf_counter(), time.process_time()

    async def receive(self, deliveries: Sequence[Delivery]) -> None:
        """Finish all."""
        for delivery in deliveries:
            delivery.finish()
        self.counted(len(deliveries))

    def counted(self, count: int) -> None:
        """Note that so many more are done."""
        self._left -= count
        if self._left <= 0 and not self.reading.done():
            took, cpu = time.perf_counter() - self._began, time.process_time() - self._cpu
            self.reading.set_result(Reading(self._count, took, cpu))

    def revoked(self, places: Collection[TopicPartition]) -> None:
        """Nothing is kept."""


def run(arena: Arena) -> list[Measurement]:
    """Consume the same records in both ways."""
    # Not fewer with --quick: they would all come in the first fetch.
    count = RECORDS
    bootstrap = arena.bootstrap
    uvloop.run(_fill(bootstrap, count))
    pair = in_turns(
        arena.repeats,
        ours=lambda number: uvloop.run(_ours(bootstrap, f"bench-ours-{number}", count)),
        bare=lambda number: uvloop.run(_bare(bootstrap, f"bench-bare-{number}", count)),
    )
    return [pair.rate("stream_records_per_s", "records/s"), pair.cpu("stream_cpu_per_record")]


async def _fill(bootstrap: str, count: int) -> None:
    moment = datetime.now(UTC)
    events = (
        StatusReported(
            channel="whatsapp",
            provider_message_id=f"wamid.bench-{number}",
            message_id=f"bench-{number}",
            status="delivered",
            occurred_at=moment,
            sender_id=SENDERS[0],
        )
        for number in range(count)
    )
    async with bare_producer(bootstrap) as producer:
        records = (PROVIDER_EVENTS.record(event, source=SOURCE, at=moment) for event in events)
        await offer(producer, [KEYS.sealed(record) for record in records])


async def _ours(bootstrap: str, group: str, count: int) -> Reading:
    config = StreamConfig(bootstrap=bootstrap, group=group, max_in_flight=IN_FLIGHT)
    producer = Producer(bootstrap, group, None)
    counting = _Counting(count)
    letters = DeadLetters(producer, "bench", now)
    running = asyncio.create_task(Stream(config, [PROVIDER_EVENTS], counting, letters, KEYS).run())
    try:
        async with asyncio.timeout(ENDS_WITHIN.total_seconds()):
            return await counting.reading
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def _bare(bootstrap: str, group: str, count: int) -> Reading:
    config = StreamConfig(bootstrap=bootstrap, group=group, max_in_flight=IN_FLIGHT)
    consumer = AIOKafkaConsumer(
        PROVIDER_EVENTS.name,
        bootstrap_servers=bootstrap,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        max_partition_fetch_bytes=config.fetch_bytes,
    )
    await consumer.start()
    counting = _Counting(count)
    try:
        async with asyncio.timeout(ENDS_WITHIN.total_seconds()):
            while not counting.reading.done():
                polled = await consumer.getmany(timeout_ms=200, max_records=config.max_poll)
                if polled:
                    counting.begin()
                counting.counted(sum(len(records) for records in polled.values()))
        return counting.reading.result()
    finally:
        await consumer.stop()
