"""A handler may commit its own offset in a transaction: the stream never goes back behind it."""

import asyncio
from collections.abc import Sequence

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from runtime.kafka.stream import COMMIT_EVERY, Delivery
from tests.eventually import eventually, seconds
from tests.runtime.kafka.parts import Remembering, a_topic, numbers, publish, reading

pytestmark = pytest.mark.stack

GROUP = "commits-itself"


class CommittingItself(Remembering):
    """Commits the second record's offset in a transaction and stays in `receive` for a while."""

    def __init__(self, bootstrap: str, producer: AIOKafkaProducer) -> None:
        super().__init__()
        self._bootstrap = bootstrap
        self._producer = producer
        self.committed: int | None = None

    async def receive(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            if delivery.offset == 1:
                await self._commit(delivery.place, 2)
                # Nothing can be awaited here: that nothing happens meanwhile is the point.
                await asyncio.sleep(4 * COMMIT_EVERY.total_seconds())
                # Before the record is finished: as a crash would find it.
                self.committed = await committed_of(self._bootstrap, delivery.place)
        await super().receive(deliveries)

    async def _commit(self, place: TopicPartition, offset: int) -> None:
        await self._producer.begin_transaction()
        await self._producer.send_offsets_to_transaction({place: offset}, GROUP)
        await self._producer.commit_transaction()


async def committed_of(bootstrap: str, place: TopicPartition) -> int | None:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, group_id=GROUP, enable_auto_commit=False
    )
    consumer.assign([place])
    await consumer.start()
    try:
        return await consumer.committed(place)
    finally:
        await consumer.stop()


async def test_an_offset_that_the_handler_committed_is_not_taken_back(
    kafka_bootstrap: str,
) -> None:
    topic = await a_topic(kafka_bootstrap, partitions=1)
    await publish(kafka_bootstrap, numbers(topic, 2))
    producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, transactional_id=topic.name)
    await producer.start()
    handler = CommittingItself(kafka_bootstrap, producer)

    async with reading(kafka_bootstrap, topic, handler, group=GROUP, max_in_flight=1):
        await eventually(lambda: handler.numbers == {0, 1}, within=seconds(60))
    await producer.stop()

    assert handler.committed == 2
