import asyncio

import pytest

from services.ingest_webhook.admission import Admission, Visit
from services.ingest_webhook.refusals import Overloaded


def admission(*, callbacks: int = 1, body_bytes: int = 10) -> Admission:
    return Admission(callbacks=callbacks, body_bytes=body_bytes)


def test_an_unfinished_body_takes_no_place() -> None:
    door = admission()
    arriving, whole = Visit(door), Visit(door)
    arriving.arrived(1)

    whole.begin_work()

    with pytest.raises(Overloaded):
        arriving.begin_work()


def test_whoever_leaves_gives_everything_back() -> None:
    door = admission()
    for _ in range(3):
        visit = Visit(door)
        visit.arrived(10)
        visit.begin_work()
        visit.end()

    assert (door.in_flight, door.bytes_in_flight, dict(door.arriving)) == (0, 0, {})


def test_a_body_that_is_being_worked_on_gives_no_way() -> None:
    door = admission(callbacks=5)
    working, late = Visit(door), Visit(door)
    working.arrived(10)
    working.begin_work()

    with pytest.raises(Overloaded):
        late.arrived(1)


async def test_a_body_that_has_just_begun_gives_no_way() -> None:
    door = admission()
    async with asyncio.timeout(60) as first_deadline, asyncio.timeout(60) as second_deadline:
        first, second = Visit(door), Visit(door)
        first.begin_arrival(first_deadline)
        second.begin_arrival(second_deadline)
        first.arrived(10)

        with pytest.raises(Overloaded):
            second.arrived(1)


async def test_the_eldest_unfinished_body_gives_way_and_more_of_it_finds_no_room() -> None:
    door = admission()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(60) as first_deadline:
            first, second = Visit(door), Visit(door)
            first.begin_arrival(first_deadline)
            first.since -= 60
            first.arrived(10)

            second.arrived(10)
            with pytest.raises(Overloaded):
                first.arrived(1)
            await asyncio.Event().wait()

    first.end()
    assert door.bytes_in_flight == 10
