"""In which order a lane hands out what waits in it (TP-04, IM-13)."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from services.dispatcher.lanes import Lanes
from services.dispatcher.work import Asked, Claimed
from tests.eventually import eventually, seconds
from tests.given import a_send_request
from tests.services.dispatcher.gazette import from_the_stream


async def handed_out(*priorities: str) -> list[str]:
    """Return the priorities in the order in which one sender's requests are taken."""
    taken: list[str] = []

    async def claim(asked: Sequence[Asked]) -> Sequence[Claimed]:
        taken.extend(one.request.priority for one in asked)
        return ()

    async def call(work: Claimed) -> None:
        raise AssertionError(work)

    async def put_down(asked: Sequence[Asked]) -> None:
        raise AssertionError(asked)

    lanes = Lanes(claim, call, put_down, calls_per_sender=64, most=10_000)
    lanes.put([from_the_stream(a_send_request(priority=one)) for one in priorities])
    running = asyncio.create_task(lanes.run())
    try:
        await eventually(lambda: len(taken) == len(priorities), within=seconds(20))
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    return taken


async def test_the_urgent_go_first_and_the_low_let_the_medium_pass() -> None:
    order = await handed_out(*["low"] * 30, *["medium"] * 70, *["high"] * 5)

    assert order[:5] == ["high"] * 5
    assert order[5:85].count("medium") == 70
    assert order[85:] == ["low"] * 20


async def test_the_low_are_not_kept_waiting_for_ever() -> None:
    order = await handed_out(*["medium"] * 80, *["low"] * 5)

    assert [place for place, one in enumerate(order) if one == "low"] == [7, 15, 23, 31, 39]
