"""Jobs are paused, by hand or by their breaker, resumed and cancelled (IM-23, IM-55)."""

from collections.abc import Awaitable, Callable

import httpx
import pytest
import sqlalchemy as sa

from domain.lifecycle import Status
from schemas.topics.send_requests import SendRequested
from schemas.topics.task_changes import JobChanged, JobStatus, TaskEvent
from tests.eventually import eventually, seconds
from tests.services.scheduler.schedulers import (
    WINDOW,
    Projector,
    RunningScheduler,
    Tail,
    a_recipient,
    fed_of,
    rows_of,
    states_of,
    status_of,
    steps_of,
)

pytestmark = [
    pytest.mark.stack,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.usefixtures("counters_are_right"),
]

PENDING, RUNNING, PAUSED = JobStatus.PENDING, JobStatus.RUNNING, JobStatus.PAUSED
COMPLETED, CANCELLED = JobStatus.COMPLETED, JobStatus.CANCELLED


async def a_fed_job(
    scheduler: RunningScheduler, requests: Tail[SendRequested], rows: int
) -> tuple[str, list[SendRequested]]:
    """Return a new job and its first window."""
    created = await scheduler.create_job(recipients=[a_recipient(n) for n in range(rows)])
    job_id: str = created.json()["data"]["jobId"]
    first = min(rows, WINDOW)
    return job_id, await eventually(lambda: fed_of(requests, job_id, first), within=seconds(20))


async def test_a_job_whose_messages_fail_is_paused_and_goes_on_when_it_is_resumed(
    scheduler: RunningScheduler,
    requests: Tail[SendRequested],
    job_changes: Tail[TaskEvent],
    projector: Projector,
    database: sa.Engine,
) -> None:
    tripped = await scheduler.metric("scheduler_jobs_tripped_total")
    job_id, first = await a_fed_job(scheduler, requests, 300)

    await projector.say(first[:100], Status.SENDING, Status.FAILED)

    await eventually(lambda: status_of(database, job_id) == PAUSED, within=seconds(20))
    await projector.say_sent(first[100:])
    await eventually(lambda: states_of(database, job_id).get("fed") is None, within=seconds(20))
    assert states_of(database, job_id) == {"failed": 100, "settled": 100, "waiting": 100}
    assert await scheduler.metric("scheduler_jobs_tripped_total") == tripped + 1

    resumed = await scheduler.resume(job_id)

    assert (resumed.status_code, resumed.json()) == (
        200,
        {"success": True, "message": "Job resumed"},
    )
    everything = await eventually(lambda: fed_of(requests, job_id, 300), within=seconds(20))
    await projector.say_sent(everything[WINDOW:])
    await eventually(lambda: status_of(database, job_id) == COMPLETED, within=seconds(20))
    expected = [PENDING, RUNNING, PAUSED, RUNNING, COMPLETED]
    await eventually(lambda: announced(job_changes, job_id, expected), within=seconds(10))
    (reason,) = {
        c.reason
        for c in job_changes.records
        if isinstance(c, JobChanged) and c.job_id == job_id and c.reason
    }
    assert reason.endswith("messages failed")
    assert len({c.message_id for c in everything}) == 300


async def test_messages_that_fail_after_they_were_sent_pause_their_job_too(
    scheduler: RunningScheduler,
    requests: Tail[SendRequested],
    projector: Projector,
    database: sa.Engine,
) -> None:
    job_id, first = await a_fed_job(scheduler, requests, 1_000)

    await projector.say_sent(first)
    await eventually(lambda: states_of(database, job_id).get("settled") == 200, within=seconds(20))
    assert status_of(database, job_id) == RUNNING
    await projector.say(first, Status.SENT, Status.FAILED)

    await eventually(lambda: status_of(database, job_id) == PAUSED, within=seconds(20))
    assert states_of(database, job_id)["failed"] == 200
    await scheduler.cancel(job_id)


async def test_a_job_of_which_some_fail_is_not_paused(
    scheduler: RunningScheduler,
    requests: Tail[SendRequested],
    projector: Projector,
    database: sa.Engine,
) -> None:
    job_id, first = await a_fed_job(scheduler, requests, 200)

    for number in range(0, 200, 20):
        await projector.say(first[number : number + 8], Status.SENDING, Status.FAILED)
        await projector.say_sent(first[number + 8 : number + 20])

    await eventually(lambda: status_of(database, job_id) == COMPLETED, within=seconds(20))
    assert states_of(database, job_id) == {"settled": 120, "failed": 80}


async def test_a_job_paused_by_hand_feeds_nothing_until_it_is_resumed(
    scheduler: RunningScheduler,
    requests: Tail[SendRequested],
    job_changes: Tail[TaskEvent],
    projector: Projector,
    database: sa.Engine,
) -> None:
    job_id, first = await a_fed_job(scheduler, requests, 300)

    paused = await scheduler.pause(job_id)
    again = await scheduler.pause(job_id)
    await projector.say_sent(first)
    await eventually(lambda: states_of(database, job_id).get("settled") == 200, within=seconds(20))
    # What comes after it is fed: so the paused one would have been.
    other, _ = await a_fed_job(scheduler, requests, 1)
    assert len(await fed_of(requests, job_id, 0)) == WINDOW
    resumed = await scheduler.client.post(f"/api/whatsapp/resume-job/{job_id}")
    twice = await scheduler.resume(job_id)

    assert paused.json() == {"success": True, "message": "Job paused"}
    assert again.json() == {"success": False, "message": "Job is already paused"}
    assert resumed.json() == {"success": True, "message": "Job resumed"}
    assert twice.json() == {"success": False, "message": "Job is not paused"}
    await eventually(lambda: fed_of(requests, job_id, 300), within=seconds(20))
    expected = [PENDING, RUNNING, PAUSED, RUNNING]
    await eventually(lambda: announced(job_changes, job_id, expected), within=seconds(10))
    await scheduler.cancel(job_id)
    await scheduler.cancel(other)


async def test_a_paused_job_with_nothing_left_to_feed_completes(
    scheduler: RunningScheduler,
    requests: Tail[SendRequested],
    projector: Projector,
    database: sa.Engine,
) -> None:
    job_id, all_of_it = await a_fed_job(scheduler, requests, 5)

    await scheduler.pause(job_id)
    await projector.say_sent(all_of_it)

    await eventually(lambda: status_of(database, job_id) == COMPLETED, within=seconds(20))


async def test_what_is_refused_in_the_stream_of_a_cancelled_job_was_cancelled(
    scheduler: RunningScheduler,
    requests: Tail[SendRequested],
    job_changes: Tail[TaskEvent],
    projector: Projector,
    database: sa.Engine,
) -> None:
    job_id, first = await a_fed_job(scheduler, requests, 300)
    await scheduler.pause(job_id)

    answer = await scheduler.cancel(job_id)
    await projector.say(first[:50], Status.PENDING, Status.FAILED)
    await projector.say(first[50:60], Status.SENDING, Status.FAILED)
    await projector.say_sent(first[60:])

    assert answer.json()["message"] == "Job cancelled, 100 messages were not sent"
    expected = {"cancelled": 150, "failed": 10, "settled": 140}
    await eventually(lambda: states_of(database, job_id) == expected, within=seconds(20))
    told = {(r.error_code, r.error_detail) for r in rows_of(database, job_id) if r.error_code}
    assert told == {("UNKNOWN_ERROR", "the job was cancelled")}
    steps = [PENDING, RUNNING, PAUSED, CANCELLED]
    await eventually(lambda: announced(job_changes, job_id, steps), within=seconds(10))


async def test_a_finished_job_can_neither_be_paused_nor_resumed(
    scheduler: RunningScheduler, database: sa.Engine
) -> None:
    created = await scheduler.create_job(recipients=[{"phone": "nobody"}])
    job_id = created.json()["data"]["jobId"]
    await eventually(lambda: status_of(database, job_id) == COMPLETED, within=seconds(10))

    answers = [await scheduler.pause(job_id), await scheduler.resume(job_id)]

    refused = {"success": False, "message": "Job has already completed"}
    assert [answer.json() for answer in answers] == [refused, refused]


@pytest.mark.parametrize("act", [RunningScheduler.pause, RunningScheduler.resume])
@pytest.mark.parametrize("job_id", ["0f3cbf0a-0000-4000-8000-000000000000", "no-job", "%00"])
async def test_an_unknown_job_is_not_found(
    scheduler: RunningScheduler,
    act: Callable[[RunningScheduler, str], Awaitable[httpx.Response]],
    job_id: str,
) -> None:
    answer = await act(scheduler, job_id)

    assert (answer.status_code, answer.json()) == (
        404,
        {"success": False, "message": "Job not found"},
    )


async def announced(changes: Tail[TaskEvent], job_id: str, expected: list[JobStatus]) -> bool:
    """Tell whether exactly these statuses of the job were announced."""
    return await steps_of(changes, job_id) == expected
