"""A topic of numbers, and handlers that remember what they were handed."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypedDict, Unpack
from uuid import uuid4

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from runtime.clock import now
from runtime.kafka.dead_letters import DeadLetters
from runtime.kafka.producer import Producer
from runtime.kafka.stream import Delivery, Group, Stream, StreamConfig
from schemas.topics.registry import dead_letter_topic
from schemas.topics.topic import EVENT_TYPE, Outgoing, Topic
from tests.topic_keys import TOPIC_KEYS


class Number(msgspec.Struct, frozen=True):
    """The record of these tests."""

    key: str
    number: int


NUMBERS_AT = datetime(2026, 1, 1, tzinfo=UTC)


async def a_topic(bootstrap: str, *, partitions: int = 3) -> Topic[Number]:
    """Create a topic that no other test uses, with its DLQ."""
    name = f"numbers-{uuid4().hex[:8]}"
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        new = [NewTopic(name, partitions, 1), NewTopic(dead_letter_topic(name), 1, 1)]
        await admin.create_topics(new)
    finally:
        await admin.close()
    return topic_named(name)


def topic_named(name: str) -> Topic[Number]:
    """Return the typed topic of that name."""
    return Topic(
        name=name,
        model=Number,
        key=lambda one: one.key,
        event_id=lambda one: f"{one.key}:{one.number}",
        subject=lambda one: one.key,
        event_type=lambda _: "test.number.v1",
        key_meaning="the key",
        purpose="Numbers.",
        retention=timedelta(days=1),
    )


async def publish(bootstrap: str, records: Sequence[Outgoing]) -> None:
    """Publish records and wait for the broker."""
    producer = Producer(bootstrap, "test", TOPIC_KEYS)
    await producer.publish(records, within=timedelta(seconds=20))
    await producer.stop()


def numbers(topic: Topic[Number], count: int, *, keys: int = 10) -> list[Outgoing]:
    """Return ``count`` records; each key's numbers ascend."""
    return [
        topic.record(Number(f"k{number % keys}", number), source="/test", at=NUMBERS_AT)
        for number in range(count)
    ]


def of_type(record: Outgoing, kind: str | None) -> Outgoing:
    """Return the record as one of another CloudEvents type, or with no word of its type."""
    rest = tuple((name, value) for name, value in record.headers if name != EVENT_TYPE)
    own = () if kind is None else ((EVENT_TYPE, kind.encode()),)
    return replace(record, headers=rest + own)


def garbage(topic: Topic[Number], value: bytes) -> Outgoing:
    """Return a record that is none."""
    return Outgoing(topic.name, b"bad", value, (("made-by", b"test"),))


class Remembering:
    """A handler that finishes what ``keep`` does not tell it to keep."""

    def __init__(self, keep: Callable[[Number], bool] = lambda _: False) -> None:
        self.handed: list[tuple[TopicPartition, int, Number]] = []
        self.kept: list[Delivery] = []
        self.batches: list[int] = []
        self._keep = keep

    @property
    def numbers(self) -> set[int]:
        return {value.number for _, _, value in self.handed}

    async def assigned(self, places: Collection[TopicPartition], group: Group) -> None: ...

    async def receive(self, deliveries: Sequence[Delivery]) -> None:
        self.batches.append(len(deliveries))
        for delivery in deliveries:
            self.handed.append((delivery.place, delivery.offset, delivery.value))
            if self._keep(delivery.value):
                self.kept.append(delivery)
            else:
                delivery.finish()

    def revoked(self, places: Collection[TopicPartition]) -> None: ...


class Tuning(TypedDict, total=False):
    """What a test may say of a stream."""

    max_in_flight: int
    drain_within: timedelta
    wanted: frozenset[str] | None


def stream_of(
    producer: Producer,
    bootstrap: str,
    topic: Topic[Number],
    handler: Remembering,
    *,
    group: str,
    **tuning: Unpack[Tuning],
) -> Stream:
    """Return a stream that does not run yet; its dead letters go by that producer."""
    config = StreamConfig(
        bootstrap=bootstrap,
        group=group,
        max_in_flight=10_000,
        max_poll=200,
        drain_within=timedelta(seconds=1),
    )
    config = replace(config, **tuning)
    return Stream(config, [topic], handler, DeadLetters(producer, "test", now), TOPIC_KEYS)


@asynccontextmanager
async def reading(
    bootstrap: str,
    topic: Topic[Number],
    handler: Remembering,
    *,
    group: str,
    **tuning: Unpack[Tuning],
) -> AsyncGenerator[Stream]:
    """Run a stream for the length of the block, then stop it as a service would."""
    producer = Producer(bootstrap, "test", TOPIC_KEYS)
    stream = stream_of(producer, bootstrap, topic, handler, group=group, **tuning)
    task = asyncio.create_task(stream.run())
    try:
        yield stream
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await producer.stop()


async def all_records(bootstrap: str, topic: str) -> list[ConsumerRecord[bytes, bytes]]:
    """Return everything that a topic holds now."""
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        records: list[ConsumerRecord[bytes, bytes]] = []
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for polled in (await consumer.getmany(timeout_ms=200)).values():
                records += polled
        return records
    finally:
        await consumer.stop()


async def committed(bootstrap: str, topic: str, group: str, partitions: int) -> int:
    """Return the sum of a group's committed offsets on a topic."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False
    )
    await consumer.start()
    try:
        places = [TopicPartition(topic, number) for number in range(partitions)]
        return sum([await consumer.committed(place) or 0 for place in places])
    finally:
        await consumer.stop()
