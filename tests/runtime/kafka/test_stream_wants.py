"""Records of types that nobody asked for are finished by their header alone."""

import pytest

from schemas.topics.registry import dead_letter_topic
from tests.eventually import eventually, seconds
from tests.runtime.kafka.parts import (
    Remembering,
    a_topic,
    all_records,
    committed,
    garbage,
    numbers,
    of_type,
    publish,
    reading,
)

pytestmark = pytest.mark.stack

OURS = "test.number.v1"
ANOTHERS = "test.letter.v1"


async def test_only_wanted_types_are_handed_over_and_all_are_committed(
    kafka_bootstrap: str,
) -> None:
    topic = await a_topic(kafka_bootstrap)
    records = numbers(topic, 100)
    mixed = [r if n % 4 == 0 else of_type(r, ANOTHERS) for n, r in enumerate(records)]
    await publish(kafka_bootstrap, mixed)
    handler = Remembering()

    async with reading(
        kafka_bootstrap, topic, handler, group=topic.name, wanted=frozenset({OURS})
    ) as stream:
        await eventually(lambda: len(handler.handed) == 25, within=seconds(20))

        async def all_committed() -> bool:
            return await committed(kafka_bootstrap, topic.name, topic.name, 3) == 100

        await eventually(all_committed, within=seconds(20))
        assert stream.in_flight == 0

    assert handler.numbers == set(range(0, 100, 4))


async def test_a_record_that_does_not_say_its_type_is_looked_at(kafka_bootstrap: str) -> None:
    topic = await a_topic(kafka_bootstrap, partitions=1)
    untyped, unwanted, wanted = numbers(topic, 3)
    await publish(kafka_bootstrap, [of_type(untyped, None), of_type(unwanted, ANOTHERS), wanted])
    handler = Remembering()

    async with reading(kafka_bootstrap, topic, handler, group=topic.name, wanted=frozenset({OURS})):
        await eventually(lambda: len(handler.handed) == 2, within=seconds(20))

    assert handler.numbers == {0, 2}


async def test_whether_an_unwanted_record_is_well_formed_is_for_others_to_say(
    kafka_bootstrap: str,
) -> None:
    topic = await a_topic(kafka_bootstrap, partitions=1)
    broken = of_type(garbage(topic, b"no json"), ANOTHERS)
    ours = of_type(garbage(topic, b"no json either"), OURS)
    await publish(kafka_bootstrap, [broken, ours, *numbers(topic, 1)])
    handler = Remembering()

    async with reading(kafka_bootstrap, topic, handler, group=topic.name, wanted=frozenset({OURS})):
        await eventually(lambda: len(handler.handed) == 1, within=seconds(20))

    letters = await all_records(kafka_bootstrap, dead_letter_topic(topic.name))
    assert [letter.value for letter in letters] == [b"no json either"]
    assert await committed(kafka_bootstrap, topic.name, topic.name, 1) == 3


async def test_an_unfinished_record_is_not_passed_by_unwanted_ones_behind_it(
    kafka_bootstrap: str,
) -> None:
    topic = await a_topic(kafka_bootstrap, partitions=1)
    held, *behind = numbers(topic, 50)
    await publish(kafka_bootstrap, [held, *(of_type(record, ANOTHERS) for record in behind)])
    first, second = Remembering(keep=lambda _: True), Remembering()
    wanted = frozenset({OURS})

    async with reading(kafka_bootstrap, topic, first, group=topic.name, wanted=wanted):
        await eventually(lambda: first.handed, within=seconds(20))
    async with reading(kafka_bootstrap, topic, second, group=topic.name, wanted=wanted):
        await eventually(lambda: second.handed, within=seconds(20))

    assert second.numbers == {0}
