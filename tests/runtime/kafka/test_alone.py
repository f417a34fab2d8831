"""A reader without a group keeps its places, also while the broker does not know of them."""

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from runtime.kafka.alone import start_alone
from tests.eventually import eventually, seconds
from tests.runtime.kafka.parts import a_topic, numbers, publish

pytestmark = pytest.mark.stack


async def test_its_places_are_kept_while_the_broker_does_not_know_their_topic(
    kafka_bootstrap: str,
) -> None:
    topic = await a_topic(kafka_bootstrap, partitions=2)
    consumer = AIOKafkaConsumer(
        topic.name, bootstrap_servers=kafka_bootstrap, metadata_max_age_ms=50
    )
    try:
        places = await start_alone(consumer)
        await forget(kafka_bootstrap, topic.name)
        await eventually(lambda: not consumer.partitions_for_topic(topic.name), within=seconds(20))

        assert places == [TopicPartition(topic.name, number) for number in range(2)]
        assert consumer.assignment() == set(places)
    finally:
        await consumer.stop()


async def test_it_reads_what_comes_to_them(kafka_bootstrap: str) -> None:
    topic = await a_topic(kafka_bootstrap)
    consumer = AIOKafkaConsumer(
        topic.name, bootstrap_servers=kafka_bootstrap, auto_offset_reset="earliest"
    )
    found: list[bytes | None] = []

    async def all_read() -> bool:
        polled = await consumer.getmany(timeout_ms=200)
        found.extend(record.value for records in polled.values() for record in records)
        return len(found) >= 30

    try:
        await start_alone(consumer)
        records = numbers(topic, 30)
        await publish(kafka_bootstrap, records)
        await eventually(all_read, within=seconds(20))
    finally:
        await consumer.stop()

    assert sorted(found, key=str) == sorted((record.value for record in records), key=str)


async def forget(bootstrap: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.delete_topics([topic])
    finally:
        await admin.close()
