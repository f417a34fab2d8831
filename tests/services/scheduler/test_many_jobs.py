"""Jobs beside each other, across restarts, past their time (IM-13, IM-55, IM-60)."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from domain.lifecycle import Status
from schemas.topics.send_requests import SendRequested
from tests.eventually import eventually, seconds
from tests.services.scheduler.conftest import StartScheduler
from tests.services.scheduler.schedulers import (
    WINDOW,
    Projector,
    RunningScheduler,
    Tail,
    a_recipient,
    fed_of,
    states_of,
    status_of,
)

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]


async def a_job_of(scheduler: RunningScheduler, rows: int, **more: str) -> str:
    """Return the id of a new job."""
    recipients = [a_recipient(n) for n in range(rows)]
    created = await scheduler.create_job(recipients=recipients, **more)
    return created.json()["data"]["jobId"]


def in_flight(database: sa.Engine, job_id: str, settled: int) -> int:
    """Return how many rows are in flight, once so many are settled; before then -1."""
    states = states_of(database, job_id)
    return states.get("fed", 0) if states.get("settled") == settled else -1


async def test_jobs_share_what_may_be_in_flight_and_the_urgent_one_has_the_largest_part(
    a_scheduler: StartScheduler,
    requests: Tail[SendRequested],
    projector: Projector,
    database: sa.Engine,
) -> None:
    scheduler = await a_scheduler(JOBS_IN_FLIGHT="200")
    low = await a_job_of(scheduler, 900, priority="low")
    before = await eventually(lambda: fed_of(requests, low, 200), within=seconds(20))

    high = await a_job_of(scheduler, 900, priority="high")
    first = await eventually(lambda: fed_of(requests, high, 150), within=seconds(20))
    await projector.say_sent([*before, *first])

    # Three quarters for the urgent one, one for the other; each refilled below three quarters.
    await eventually(lambda: in_flight(database, high, 150) in range(112, 151), within=seconds(20))
    await eventually(lambda: in_flight(database, low, 200) in range(37, 51), within=seconds(20))
    assert {request.priority for request in requests.records} == {"high", "low"}
    await scheduler.cancel(low)
    await scheduler.cancel(high)


async def test_failures_are_remembered_by_whichever_scheduler_hears_of_them(
    a_scheduler: StartScheduler,
    requests: Tail[SendRequested],
    projector: Projector,
    database: sa.Engine,
) -> None:
    scheduler = await a_scheduler()
    job_id = await a_job_of(scheduler, 300)
    first = await eventually(lambda: fed_of(requests, job_id, WINDOW), within=seconds(20))
    await projector.say(first[:30], Status.SENDING, Status.FAILED)
    await eventually(lambda: states_of(database, job_id).get("failed") == 30, within=seconds(20))

    scheduler.process.kill()
    other = await a_scheduler()
    await projector.say(first[30:50], Status.SENDING, Status.FAILED)

    await eventually(lambda: status_of(database, job_id) == "paused", within=seconds(40))
    await other.cancel(job_id)


async def test_rows_that_are_not_sent_when_their_job_expires_are_skipped(
    a_scheduler: StartScheduler,
    requests: Tail[SendRequested],
    projector: Projector,
    database: sa.Engine,
) -> None:
    scheduler = await a_scheduler()
    expires_at = datetime.now(UTC) + timedelta(seconds=5)
    job_id = await a_job_of(scheduler, 300, expiresAt=expires_at.isoformat())
    first = await eventually(lambda: fed_of(requests, job_id, WINDOW), within=seconds(20))

    expected = {"fed": 200, "skipped": 100}
    await eventually(lambda: states_of(database, job_id) == expected, within=seconds(20))
    await projector.say_sent(first)

    assert datetime.now(UTC) >= expires_at
    assert {request.expires_at for request in first} == {expires_at}
    await eventually(lambda: status_of(database, job_id) == "completed", within=seconds(20))


async def test_a_job_of_which_nothing_is_heard_is_counted_as_stalled_until_it_moves(
    a_scheduler: StartScheduler, requests: Tail[SendRequested], projector: Projector
) -> None:
    scheduler = await a_scheduler(JOB_STALLS_AFTER="PT3S")
    job_id = await a_job_of(scheduler, 1)
    fed = await eventually(lambda: fed_of(requests, job_id, 1), within=seconds(20))

    async def stalled() -> float:
        return await scheduler.metric("scheduler_jobs_stalled")

    async def moving() -> bool:
        return await stalled() == 0

    await eventually(stalled, within=seconds(20))
    await projector.say_sent(fed)
    await eventually(moving, within=seconds(20))
