"""What breaks a claim costs nobody else a place (architecture, promise 7)."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import msgspec
import pytest

from domain.ledger import Tries
from services.dispatcher.lanes import Lanes
from services.dispatcher.work import Asked, Claimed, message_of
from tests.eventually import eventually, seconds
from tests.given import NOON, a_send_request
from tests.services.dispatcher.gazette import from_the_stream

WIDTH = 16


async def test_a_request_that_breaks_its_claim_holds_up_no_neighbour_and_is_tried_again() -> None:
    requests = [a_send_request() for _ in range(6)]
    requests[0] = msgspec.structs.replace(requests[0], sender_id="another")
    asked = [from_the_stream(one) for one in requests]
    broken, called, failures = {asked[2].message_id}, list[str](), list[int]()

    async def claim(taken: Sequence[Asked]) -> Sequence[Claimed]:
        if broken.intersection(one.message_id for one in taken):
            failures.append(len(taken))
            raise RuntimeError("not foreseen")
        return [claimed(one) for one in taken]

    async def call(work: Claimed) -> None:
        called.append(work.request.message_id)

    async def put_down(_: Sequence[Asked]) -> None: ...

    lanes = Lanes(claim, call, put_down, calls_per_sender=WIDTH, most=100)
    running = asyncio.create_task(lanes.run())
    lanes.put(asked)
    await eventually(lambda: len(called) == len(asked) - 1, within=seconds(30))
    await eventually(lambda: failures.count(1) > 1, within=seconds(30))
    broken.clear()
    await eventually(lambda: len(called) == len(asked), within=seconds(30))
    await eventually(lambda: lanes.places().free(asked[0].sender) == WIDTH, within=seconds(30))
    await eventually(lambda: lanes.places().free(asked[1].sender) == WIDTH, within=seconds(30))
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running

    assert sorted(called) == sorted(one.message_id for one in asked)


def claimed(one: Asked) -> Claimed:
    message = message_of(one.request, one.request.recipient)
    return Claimed(one.request, one.raw, Tries(1), NOON, "test", message)


async def test_a_lane_that_rested_is_not_taken_for_a_slow_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop, hours = asyncio.get_running_loop(), 0
    time = loop.time
    monkeypatch.setattr(loop, "time", lambda: time() + 3_600 * hours)
    taken: list[Asked] = []
    waiting: list[Asked] = []

    async def claim(asked: Sequence[Asked]) -> Sequence[Claimed]:
        taken.extend(asked)
        return ()

    async def call(work: Claimed) -> None:
        raise AssertionError(work)

    async def put_down(asked: Sequence[Asked]) -> None:
        waiting.extend(asked)

    lanes = Lanes(claim, call, put_down, calls_per_sender=WIDTH, most=100)
    running = asyncio.create_task(lanes.run())
    try:
        lanes.put([from_the_stream(a_send_request())])
        await eventually(lambda: len(taken) == 1, within=seconds(20))
        hours = 1
        lanes.put([from_the_stream(a_send_request()) for _ in range(99)])
        await eventually(lambda: len(taken) + len(waiting) == 100, within=seconds(20))
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    assert waiting == []
