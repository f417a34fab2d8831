"""One-off timed sends: on time, once, whoever is running (CF-23, IM-17; peers R10)."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from schemas.topics.send_requests import SendRequested
from tests.eventually import eventually, seconds
from tests.services.scheduler.conftest import StartScheduler
from tests.services.scheduler.schedulers import RunningScheduler, Tail

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

LATE = seconds(1)


def the_clock() -> datetime:
    return datetime.now(UTC)


async def schedule(scheduler: RunningScheduler, due_at: datetime, count: int) -> dict[str, str]:
    """Return the sentAt of each scheduled message by its id."""
    answers = await asyncio.gather(
        *(scheduler.send(scheduledAt=due_at.isoformat()) for _ in range(count))
    )
    data = [answer.json()["data"] for answer in answers]
    return {accepted["messageId"]: accepted["sentAt"] for accepted in data}


async def test_a_timed_send_fires_once_and_on_time_with_two_schedulers(
    a_scheduler: StartScheduler, requests: Tail[SendRequested]
) -> None:
    one, other = await asyncio.gather(a_scheduler(), a_scheduler())
    due_at = the_clock() + seconds(6)
    accepted = await schedule(one, due_at, 100) | await schedule(other, due_at, 100)
    assert await requests.read() == []

    await eventually(lambda: all_fired(requests, accepted), within=seconds(20))

    assert the_clock() >= due_at
    lag = await longest_lag(one, other)
    assert lag <= LATE
    fired = [request.message_id for request in await requests.read()]
    assert sorted(fired) == sorted(accepted)
    assert {r.requested_at.isoformat() for r in requests.records} == {
        datetime.fromisoformat(sent_at).isoformat() for sent_at in accepted.values()
    }


async def test_what_fell_due_while_no_scheduler_ran_fires_when_one_runs_again(
    a_scheduler: StartScheduler, requests: Tail[SendRequested]
) -> None:
    scheduler = await a_scheduler()
    accepted = await schedule(scheduler, the_clock() + seconds(1), 5)
    scheduler.process.kill()

    scheduler.process.start()

    await eventually(lambda: all_fired(requests, accepted), within=seconds(20))
    assert len(requests.records) == len(accepted)


async def test_a_key_repeated_before_the_time_gets_the_first_answer(
    a_scheduler: StartScheduler, requests: Tail[SendRequested]
) -> None:
    scheduler = await a_scheduler()
    due_at = (the_clock() + seconds(2)).isoformat()

    first = await scheduler.send(key="timed", scheduledAt=due_at)
    again = await scheduler.send(key="timed", scheduledAt=due_at)
    sooner = await scheduler.send(key="timed")

    assert again.json() == first.json()
    assert sooner.status_code == 409
    accepted = [first.json()["data"]["messageId"]]
    await eventually(lambda: all_fired(requests, accepted), within=seconds(10))
    assert len(requests.records) == 1


async def all_fired(requests: Tail[SendRequested], expected: "dict[str, str] | list[str]") -> bool:
    return {request.message_id for request in await requests.read()} >= set(expected)


async def longest_lag(*schedulers: RunningScheduler) -> timedelta:
    """Return the upper bound of the last bucket that is not empty."""
    bounds: list[float] = []
    for scheduler in schedulers:
        page = (await scheduler.client.get("/metrics")).text
        buckets = [line for line in page.splitlines() if "due_lag_seconds_bucket" in line]
        counts = [
            (float(line.split('"')[1].replace("+Inf", "3600")), float(line.split()[-1]))
            for line in buckets
        ]
        bounds += [bound for bound, count in counts if count == counts[-1][1]][:1]
    return timedelta(seconds=max(bounds))
