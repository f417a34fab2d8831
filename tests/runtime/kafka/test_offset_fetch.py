"""A broker that has just started cannot say yet what was committed; nobody may take that for 0."""

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.stack import Stack
from tests.eventually import eventually, seconds
from tests.runtime.kafka.parts import a_topic

pytestmark = [pytest.mark.stack, pytest.mark.slow]

COMMITS = 1_000
"""They keep the group's loading from being over in no time."""


async def test_a_committed_offset_is_never_denied_while_the_broker_loads_it(
    kafka_bootstrap: str, stack: Stack
) -> None:
    topic = await a_topic(kafka_bootstrap, partitions=1)
    place = TopicPartition(topic.name, 0)
    consumer = AIOKafkaConsumer(
        topic.name,
        bootstrap_servers=kafka_bootstrap,
        group_id=topic.name,
        enable_auto_commit=False,
    )
    await consumer.start()
    for offset in range(1, COMMITS + 1):
        await consumer.commit({place: offset})
    heard: list[int | None] = []

    async def ask() -> None:
        while True:
            heard.append(await consumer.committed(place))

    asking = [asyncio.create_task(ask()) for _ in range(4)]
    await asyncio.to_thread(stack.kafka.kill)
    heard_before = len(heard)
    await asyncio.to_thread(stack.kafka.start)
    await eventually(lambda: len(heard) > heard_before + 100, within=seconds(20))
    for task in asking:
        task.cancel()
    await asyncio.wait(asking)
    await consumer.stop()

    assert set(heard) == {COMMITS}
