"""Items asked for at the same moment share a batch; nobody waits for ever."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import chain

import pytest

from runtime.errors import BrokerAway, TryAgainLater
from services.scheduler.gather import Gather
from tests.eventually import seconds


class Desk:
    """Doubles numbers, once the door is open."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.door = asyncio.Event()
        self.batches: list[list[int]] = []
        self.fails: Callable[[int], Exception | None] = lambda _: None

    async def double(self, batch: Sequence[int]) -> list[int | Exception]:
        self.batches.append(list(batch))
        self.begun.set()
        await self.door.wait()
        return [self.fails(number) or number * 2 for number in batch]


@asynccontextmanager
async def gathering(
    desk: Desk, *, most: int = 10, queued: int = 100
) -> AsyncGenerator[Gather[int, int]]:
    gather: Gather[int, int] = Gather(desk.double, most=most, queued=queued)
    running = asyncio.create_task(gather.run())
    yield gather
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_what_comes_during_a_batch_is_the_next_batch() -> None:
    desk = Desk()

    async with gathering(desk, most=3) as gather:
        asked = [asyncio.create_task(gather.ask(0, within=seconds(5)))]
        await desk.begun.wait()
        asked += [asyncio.create_task(gather.ask(n, within=seconds(5))) for n in range(1, 6)]
        await asyncio.sleep(0)
        desk.door.set()
        answers = await asyncio.gather(*asked)

    assert answers == [0, 2, 4, 6, 8, 10]
    assert all(len(batch) <= 3 for batch in desk.batches)
    assert list(chain(*desk.batches)) == [0, 1, 2, 3, 4, 5]


async def test_each_item_gets_its_own_error() -> None:
    desk = Desk()
    desk.fails = lambda number: ValueError(str(number)) if number == 2 else None
    desk.door.set()

    async with gathering(desk) as gather:
        asks = [gather.ask(n, within=seconds(5)) for n in (1, 2, 3)]
        one, two, three = await asyncio.gather(*asks, return_exceptions=True)

    assert (one, three) == (2, 6)
    assert isinstance(two, ValueError)


async def test_who_waited_behind_a_batch_that_found_the_broker_away_is_told_at_once() -> None:
    desk = Desk()
    desk.fails = lambda _: BrokerAway("not acknowledged in time")

    async with gathering(desk, most=1) as gather:
        asks = [asyncio.create_task(gather.ask(n, within=seconds(5))) for n in range(5)]
        await desk.begun.wait()
        desk.door.set()
        answers = await asyncio.gather(*asks, return_exceptions=True)

    assert [type(answer) for answer in answers] == [BrokerAway] * 5
    assert desk.batches == [[0]]


async def test_an_item_that_is_overdue_before_its_batch_is_not_handled() -> None:
    desk = Desk()

    async with gathering(desk) as gather:
        first = asyncio.create_task(gather.ask(1, within=seconds(5)))
        await desk.begun.wait()
        with pytest.raises(TryAgainLater, match="too long"):
            await gather.ask(2, within=seconds(0.01))
        desk.door.set()
        await first
        await gather.ask(3, within=seconds(5))

    assert desk.batches == [[1], [3]]


async def test_a_full_queue_refuses() -> None:
    desk = Desk()

    async with gathering(desk, most=1, queued=1) as gather:
        asks = [asyncio.create_task(gather.ask(n, within=seconds(0.01))) for n in range(4)]
        answers = await asyncio.gather(*asks, return_exceptions=True)

    assert {str(answer) for answer in answers} == {"took too long", "too many at once"}
