"""However a stream ends, it leaves the group: a member that nobody reads for would stop others."""

from collections.abc import Sequence
from contextlib import AsyncExitStack

import pytest

from runtime.kafka.stream import Delivery
from tests.eventually import eventually, seconds
from tests.runtime.kafka.parts import Remembering, a_topic, numbers, publish, reading

pytestmark = pytest.mark.stack


class Failing(Remembering):
    """Fails for a reason that no repetition cures."""

    async def receive(self, deliveries: Sequence[Delivery]) -> None:
        await super().receive(deliveries)
        raise RuntimeError("not what was expected")


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

    with pytest.raises(RuntimeError, match="not what was expected"):
        async with reading(kafka_bootstrap, topic, failing, group=topic.name):
            await eventually(lambda: len(failing.numbers) > 0, within=seconds(20))

    async with reading(kafka_bootstrap, topic, staying, group=topic.name):
        await eventually(lambda: len(staying.numbers) == 40, within=seconds(20))
