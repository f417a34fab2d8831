"""However a stream ends, it leaves the group: a member that nobody reads for would stop others."""

import asyncio
import gc
from collections.abc import Collection, Sequence
from contextlib import AsyncExitStack

import pytest
from aiokafka import TopicPartition

from runtime.kafka.producer import Producer
from runtime.kafka.stream import Delivery
from tests.eventually import eventually, seconds
from tests.runtime.kafka.parts import Remembering, a_topic, numbers, publish, reading, stream_of
from tests.topic_keys import TOPIC_KEYS

pytestmark = pytest.mark.stack


class Failing(Remembering):
    """Fails for a reason that no repetition cures."""

    async def receive(self, deliveries: Sequence[Delivery]) -> None:
        await super().receive(deliveries)
        raise RuntimeError("not what was expected")


class Holding(Remembering):
    """Finishes nothing, and tells when it is asked to give up partitions."""

    def __init__(self) -> None:
        super().__init__(keep=lambda _: True)
        self.asked = asyncio.Event()

    def revoked(self, places: Collection[TopicPartition]) -> None:
        if places:
            self.asked.set()


async def test_partitions_that_are_taken_while_it_drains_go_to_the_others(
    kafka_bootstrap: str,
) -> None:
    topic = await a_topic(kafka_bootstrap, partitions=2)
    await publish(kafka_bootstrap, numbers(topic, 40))
    leaving, staying = Remembering(keep=lambda _: True), Remembering()

    async with AsyncExitStack() as stack:
        drain_within = seconds(4)  # more than two heartbeats: it hears of the newcomer
        async with reading(
            kafka_bootstrap, topic, leaving, group=topic.name, drain_within=drain_within
        ):
            await eventually(lambda: len(leaving.numbers) == 40, within=seconds(20))
            newcomer = reading(kafka_bootstrap, topic, staying, group=topic.name)
            await stack.enter_async_context(newcomer)

        await eventually(lambda: len(staying.numbers) == 40, within=seconds(20))


async def test_a_handler_that_fails_leaves_its_partitions_to_the_others(
    kafka_bootstrap: str,
) -> None:
    topic = await a_topic(kafka_bootstrap, partitions=2)
    await publish(kafka_bootstrap, numbers(topic, 40))
    failing, staying = Failing(keep=lambda _: True), Remembering()
    producer = Producer(kafka_bootstrap, "test", TOPIC_KEYS)

    stream = stream_of(producer, kafka_bootstrap, topic, failing, group=topic.name)
    with pytest.raises(RuntimeError, match="not what was expected"):
        async with asyncio.timeout(20):
            await stream.run()
    await producer.stop()

    async with reading(kafka_bootstrap, topic, staying, group=topic.name):
        await eventually(lambda: len(staying.numbers) == 40, within=seconds(20))


async def test_who_is_cancelled_while_joining_leaves_the_partitions_to_the_others(
    kafka_bootstrap: str,
) -> None:
    topic = await a_topic(kafka_bootstrap, partitions=2)
    staying = Holding()
    producer = Producer(kafka_bootstrap, "test", TOPIC_KEYS)
    newcomer = stream_of(producer, kafka_bootstrap, topic, Remembering(), group=topic.name)

    drain_within = seconds(4)  # for so long the newcomer waits for its partitions
    async with reading(
        kafka_bootstrap, topic, staying, group=topic.name, drain_within=drain_within
    ):
        await publish(kafka_bootstrap, numbers(topic, 20))
        await eventually(lambda: len(staying.numbers) == 20, within=seconds(20))
        joining = asyncio.create_task(newcomer.run())
        await staying.asked.wait()
        joining.cancel()
        await asyncio.wait([joining])
        await publish(kafka_bootstrap, numbers(topic, 40))

        await eventually(lambda: len(staying.numbers) == 40, within=seconds(30))
    await producer.stop()


async def test_who_is_cancelled_at_any_moment_of_its_start_leaves_no_connection_open(
    kafka_bootstrap: str, caplog: pytest.LogCaptureFixture
) -> None:
    topic = await a_topic(kafka_bootstrap, partitions=2)
    producer = Producer(kafka_bootstrap, "test", TOPIC_KEYS)
    await publish(kafka_bootstrap, numbers(topic, 1))
    first = Remembering()
    # A broker's first group takes it a while, and a start that takes so long is cut short.
    async with reading(kafka_bootstrap, topic, first, group=topic.name):
        await eventually(lambda: first.numbers, within=seconds(20))

    for milliseconds in range(40):
        stream = stream_of(producer, kafka_bootstrap, topic, Remembering(), group=topic.name)
        starting = asyncio.create_task(stream.run())
        await asyncio.wait([starting], timeout=milliseconds / 1_000)
        starting.cancel()
        await asyncio.wait([starting])
        gc.collect()  # a connection complains when nobody knows it any more

    assert "Unclosed" not in caplog.text
    await producer.stop()
