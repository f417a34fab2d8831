"""What a stream promises its handler, against a real broker."""

import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka import TopicPartition

from deploy.processes import Process
from runtime.errors import TryAgainLater
from runtime.kafka.stream import Delivery
from schemas.topics.registry import dead_letter_topic
from schemas.topics.topic import SEALED, header
from tests.eventually import eventually, seconds
from tests.runtime.kafka.parts import (
    Remembering,
    a_topic,
    all_records,
    committed,
    garbage,
    numbers,
    publish,
    reading,
)

pytestmark = pytest.mark.stack


async def test_every_record_is_handed_over_in_order_and_committed(kafka_bootstrap: str) -> None:
    topic = await a_topic(kafka_bootstrap)
    await publish(kafka_bootstrap, numbers(topic, 500))
    handler = Remembering()

    async with reading(kafka_bootstrap, topic, handler, group=topic.name):
        await eventually(lambda: len(handler.handed) == 500, within=seconds(20))

    assert handler.numbers == set(range(500))
    by_place: defaultdict[TopicPartition, list[int]] = defaultdict(list)
    for place, offset, _ in handler.handed:
        by_place[place].append(offset)
    assert all(offsets == sorted(offsets) for offsets in by_place.values())
    assert await committed(kafka_bootstrap, topic.name, topic.name, 3) == 500


async def test_an_unfinished_record_comes_again_and_with_it_what_came_after(
    kafka_bootstrap: str,
) -> None:
    topic = await a_topic(kafka_bootstrap, partitions=1)
    await publish(kafka_bootstrap, numbers(topic, 50))
    first, second = Remembering(keep=lambda one: one.number == 20), Remembering()

    async with reading(kafka_bootstrap, topic, first, group=topic.name):
        await eventually(lambda: len(first.handed) == 50, within=seconds(20))
    async with reading(kafka_bootstrap, topic, second, group=topic.name):
        await eventually(lambda: len(second.handed) == 30, within=seconds(20))

    assert second.numbers == set(range(20, 50))


async def test_a_record_that_is_none_goes_to_the_dlq_and_disturbs_nothing(
    kafka_bootstrap: str,
) -> None:
    topic = await a_topic(kafka_bootstrap, partitions=1)
    good = numbers(topic, 3)
    bad = [
        garbage(topic, b'{"key": "a", "number": "seven"}'),
        garbage(topic, b"\xff\x00 no json"),
        garbage(topic, b"[" * 100_000),
        garbage(topic, b""),
    ]
    await publish(kafka_bootstrap, [good[0], *bad, good[1], good[2]])
    handler = Remembering()

    async with reading(kafka_bootstrap, topic, handler, group=topic.name):
        await eventually(lambda: len(handler.handed) == 3, within=seconds(20))

    letters = await all_records(kafka_bootstrap, dead_letter_topic(topic.name))
    assert [letter.value for letter in letters] == [one.value for one in bad]
    assert header(tuple(letters[0].headers), "dlq_reason") == "malformed"
    assert "$.number" in (header(tuple(letters[0].headers), "dlq_detail") or "")
    assert header(tuple(letters[0].headers), "dlq_offset") == "1"
    assert header(tuple(letters[0].headers), "made-by") == "test"
    assert await committed(kafka_bootstrap, topic.name, topic.name, 1) == 7


async def test_a_record_that_does_not_open_goes_to_the_dlq_as_it_is(kafka_bootstrap: str) -> None:
    topic = await a_topic(kafka_bootstrap, partitions=1)
    good = numbers(topic, 2)
    foreign = replace(good[1], headers=(*good[1].headers, (SEALED, b"0badc0de")))
    await publish(kafka_bootstrap, [foreign, *good])
    handler = Remembering()

    async with reading(kafka_bootstrap, topic, handler, group=topic.name):
        await eventually(lambda: len(handler.handed) == 2, within=seconds(20))

    [letter] = await all_records(kafka_bootstrap, dead_letter_topic(topic.name))
    headers = tuple(letter.headers)
    assert (letter.value, headers[: len(foreign.headers)]) == (foreign.value, foreign.headers)
    assert header(headers, "dlq_reason") == "malformed"
    detail = "sealed: TOPIC_ENCRYPTION_KEY lacks the key 0badc0de"
    assert header(headers, "dlq_detail") == detail


async def test_a_full_handler_is_handed_nothing_more_until_it_has_room(
    kafka_bootstrap: str,
) -> None:
    topic = await a_topic(kafka_bootstrap)
    await publish(kafka_bootstrap, numbers(topic, 300))
    handler = Remembering(keep=lambda _: True)

    async with reading(
        kafka_bootstrap, topic, handler, group=topic.name, max_in_flight=40
    ) as stream:
        await eventually(lambda: stream.in_flight == 40, within=seconds(20))
        await eventually(lambda: stream.is_paused, within=seconds(5))
        assert len(handler.handed) == 40
        while len(handler.handed) < 300 or handler.kept:
            for delivery in handler.kept:
                delivery.finish()
            handler.kept.clear()
            await eventually(lambda: handler.kept or len(handler.handed) == 300, within=seconds(10))
            assert stream.in_flight <= 40

    assert handler.numbers == set(range(300))


async def test_a_batch_is_handed_over_again_until_its_handler_can_take_it(
    kafka_bootstrap: str,
) -> None:
    topic = await a_topic(kafka_bootstrap)
    await publish(kafka_bootstrap, numbers(topic, 20))

    class Busy(Remembering):
        refused = 0

        async def receive(self, deliveries: Sequence[Delivery]) -> None:
            if self.refused < 3:
                self.refused += 1
                raise TryAgainLater("the database is away")
            await super().receive(deliveries)

    handler = Busy()

    async with reading(kafka_bootstrap, topic, handler, group=topic.name):
        await eventually(lambda: len(handler.handed) == 20, within=seconds(20))

    assert handler.refused == 3
    assert handler.numbers == set(range(20))


async def test_a_second_member_takes_over_without_a_loss_and_in_order(kafka_bootstrap: str) -> None:
    topic = await a_topic(kafka_bootstrap, partitions=6)
    first, second = Remembering(), Remembering()

    total = 0
    async with (
        reading(kafka_bootstrap, topic, first, group=topic.name),
        reading(kafka_bootstrap, topic, second, group=topic.name),
    ):
        while not second.handed or not first.handed:
            await publish(kafka_bootstrap, numbers(topic, 100))
            total += 100
        await eventually(
            lambda: len({(p, o) for p, o, _ in first.handed + second.handed}) == total,
            within=seconds(20),
        )

    for member in (first, second):
        by_place: defaultdict[TopicPartition, list[int]] = defaultdict(list)
        for place, offset, _ in member.handed:
            by_place[place].append(offset)
        assert all(offsets == sorted(offsets) for offsets in by_place.values())
    assert await committed(kafka_bootstrap, topic.name, topic.name, 6) == total


@pytest.mark.slow
async def test_what_a_killed_reader_left_is_read_by_the_next(
    kafka_bootstrap: str, tmp_path: Path
) -> None:
    topic = await a_topic(kafka_bootstrap)
    await publish(kafka_bootstrap, numbers(topic, 2_000))
    seen = tmp_path / "seen"
    arguments = [kafka_bootstrap, topic.name, str(seen)]
    argv = [sys.executable, "-m", "tests.runtime.kafka.reader", *arguments]
    reader = Process("reader", argv, {}, tmp_path / "reader.log")

    def handled() -> set[int]:
        return {int(line) for line in seen.read_text().split()} if seen.exists() else set()

    for _ in range(3):
        before = len(handled())
        reader.start()
        await eventually(lambda before=before: len(handled()) > before, within=seconds(20))
        reader.kill()
    reader.start()
    await eventually(lambda: handled() == set(range(2_000)), within=seconds(40))
    reader.terminate()

    assert await committed(kafka_bootstrap, topic.name, topic.name, 3) == 2_000
