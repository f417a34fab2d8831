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
    first, second = Visit(door), Visit(door)
    first.begin_arrival(asyncio.timeout(60))
    first.arrived(10)

    with pytest.raises(Overloaded):
        second.arrived(1)


async def test_the_eldest_unfinished_body_gives_way_and_more_of_it_finds_no_room() -> None:
    door = admission()
    first, second = Visit(door), Visit(door)

    async def never_whole() -> None:
        async with asyncio.timeout(60) as deadline:
            first.begin_arrival(deadline)
            first.arrived(10)
            await asyncio.Event().wait()

    arriving = asyncio.create_task(never_whole())
    await asyncio.sleep(0)
    first.since -= 60

    second.arrived(10)

    with pytest.raises(Overloaded):
        first.arrived(1)
    with pytest.raises(TimeoutError):
        await arriving
    first.end()
    assert door.bytes_in_flight == 10
