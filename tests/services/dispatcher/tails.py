"""What came to a topic, with its headers: how tests look at what services publish."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from schemas.topics.registry import DEAD_LETTER_PARTITIONS, PARTITIONS, dead_letter_topic
from schemas.topics.topic import Topic
from tests.topic_keys import TOPIC_KEYS

T = TypeVar("T")
Raw = ConsumerRecord[bytes, bytes]


@dataclass(slots=True)
class Tail(Generic[T]):
    """Everything that a read_committed consumer finds on a topic since its beginning."""

    topic: Topic[T]
    _consumer: AIOKafkaConsumer
    raw: list[Raw] = field(default_factory=list[Raw])
    records: list[T] = field(default_factory=list[T])

    async def read(self) -> list[T]:
        """Return every record up to the topic's present end, in order per partition."""
        places = list(self._consumer.assignment())
        ends = await self._consumer.end_offsets(places)
        while any([await self._consumer.position(place) < ends[place] for place in places]):
            for batch in (await self._consumer.getmany(timeout_ms=100)).values():
                self.raw += batch
                self.records += [TOPIC_KEYS.decode(self.topic, record) for record in batch]
        return self.records


@asynccontextmanager
async def reading_all(topic: Topic[T], bootstrap: str) -> AsyncGenerator[Tail[T]]:
    """Follow a topic from its beginning."""
    consumer = await _reader(bootstrap, topic.name, PARTITIONS)
    try:
        yield Tail(topic, consumer)
    finally:
        await consumer.stop()


async def dead_letters(topic: Topic[Any], bootstrap: str) -> list[Raw]:
    """Return everything that is in a topic's DLQ now, in the clear."""
    consumer = await _reader(bootstrap, dead_letter_topic(topic.name), DEAD_LETTER_PARTITIONS)
    try:
        places = list(consumer.assignment())
        ends = await consumer.end_offsets(places)
        letters: list[Raw] = []
        while any([await consumer.position(place) < ends[place] for place in places]):
            for batch in (await consumer.getmany(timeout_ms=100)).values():
                letters += [_opened(record) for record in batch]
        return letters
    finally:
        await consumer.stop()


def _opened(record: Raw) -> Raw:
    value, headers = TOPIC_KEYS.clear(record)
    return replace(record, value=value, headers=headers)


def header_of(record: Raw, name: str) -> str:
    """Return a header's text."""
    return next(value.decode() for key, value in record.headers if key == name)


async def _reader(bootstrap: str, topic: str, partitions: int) -> AIOKafkaConsumer:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, group_id=None, isolation_level="read_committed"
    )
    await consumer.start()
    places = [TopicPartition(topic, number) for number in range(partitions)]
    consumer.assign(places)
    await consumer.seek_to_beginning(*places)
    return consumer
