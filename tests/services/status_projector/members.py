"""Projectors without a stream around them: the test deals out records, and who owns what."""

from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import uuid4

import msgspec
import sqlalchemy as sa
from aiokafka import AIOKafkaConsumer, TopicPartition

from runtime.clock import now
from runtime.kafka.dead_letters import DeadLetters
from runtime.kafka.producer import Producer
from runtime.kafka.progress import PartitionProgress
from runtime.kafka.stream import Delivery
from runtime.postgres import connect, transaction
from schemas.topics.provider_events import PROVIDER_EVENTS
from schemas.topics.send_requests import SEND_REQUESTS, SendRequested
from services.status_projector.handlers import Facts, Tools
from services.status_projector.publisher import Publisher, PublisherConfig
from tests.eventually import seconds
from tests.sealed import VAULT
from tests.services.status_projector.facts import ZONE, Record
from tests.topic_keys import TOPIC_KEYS

GROUP = "members"
"""Not the service's: what these commit must not meet a process of another test."""

_ROW = sa.text(
    "SELECT owner, next_offset FROM applied_offsets WHERE topic = :topic AND partition = :partition"
)

_OFFSETS = count()
"""Shared: members follow each other on the same partitions."""


def requests(partition: int) -> TopicPartition:
    return TopicPartition(SEND_REQUESTS.name, partition)


def events(partition: int) -> TopicPartition:
    return TopicPartition(PROVIDER_EVENTS.name, partition)


def delivered(place: TopicPartition, records: Iterable[Record]) -> list[Delivery]:
    """Return records as a stream hands them over, next in their partition."""
    return [_delivery(place, record) for record in records]


def _delivery(place: TopicPartition, record: Record) -> Delivery:
    topic = SEND_REQUESTS if isinstance(record, SendRequested) else PROVIDER_EVENTS
    raw = msgspec.json.encode(record)
    value, progress = topic.decode(raw), PartitionProgress()
    return Delivery(place, next(_OFFSETS), b"k", value, raw, (), progress, lambda: None)


@dataclass(frozen=True, slots=True)
class Member:
    """One process of the group, as far as it owns, applies and publishes."""

    engine: sa.Engine
    publisher: Publisher
    facts: Facts
    consumer: AIOKafkaConsumer

    async def own(self, *places: TopicPartition) -> None:
        """Take partitions over, as when the group gives them."""
        await self.facts.assigned(places, self.consumer)

    async def receive(self, *batches: Sequence[Delivery]) -> None:
        """Do one round."""
        await self.facts.receive([delivery for batch in batches for delivery in batch])

    async def committed(self, place: TopicPartition) -> int | None:
        return await self.consumer.committed(place)

    def owner_of(self, place: TopicPartition) -> str:
        """Return the name that stands in the place's row."""
        return self._row(place).owner

    def applied(self, place: TopicPartition) -> int:
        """Return the first offset of the place that the database does not have."""
        return self._row(place).next_offset

    def _row(self, place: TopicPartition) -> Any:  # noqa: ANN401 - a row
        with transaction(self.engine) as connection:
            values = {"topic": place.topic, "partition": place.partition}
            return connection.execute(_ROW, values).one()


@asynccontextmanager
async def a_member(
    name: str, bootstrap: str, database_url: str, *, through: str | None = None
) -> AsyncGenerator[Member]:
    """Return a member; ``through`` is another way to the broker for what it publishes."""
    engine = connect(database_url)
    owner = f"{name}:{uuid4().hex[:8]}"
    publisher = Publisher(PublisherConfig(through or bootstrap, GROUP, owner, seconds(3)))
    producer = Producer(bootstrap, name, TOPIC_KEYS)
    tools = Tools(engine, VAULT, publisher, DeadLetters(producer, name, now), now, ZONE)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, group_id=GROUP, enable_auto_commit=False
    )
    await consumer.start()
    try:
        yield Member(engine, publisher, Facts(tools), consumer)
    finally:
        await consumer.stop()
        await publisher.stop()
        await producer.stop()
        engine.dispose()


async def transactions_on(bootstrap: str, topic: str, partitions: int) -> Counter[int]:
    """Return, by partition, the records on a topic that are no data: the marks of transactions."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=None)
    await consumer.start()
    try:
        places = [TopicPartition(topic, number) for number in range(partitions)]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        ends = await consumer.end_offsets(places)
        marks = Counter({place.partition: end for place, end in ends.items()})
        while any([await consumer.position(place) < ends[place] for place in places]):
            for place, records in (await consumer.getmany(timeout_ms=100)).items():
                marks[place.partition] -= len(records)
        return marks
    finally:
        await consumer.stop()
