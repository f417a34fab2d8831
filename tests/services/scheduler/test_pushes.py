"""Pushes over real parts: handed over once whoever dies, started by hand, ended (R10, TP-15)."""

import asyncio
from collections import Counter
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from deploy.stack import Stack
from domain.lifecycle import Status
from domain.tasks import TaskStatus
from runtime.callers import Permission
from schemas.topics.send_requests import SendRequested
from schemas.topics.task_changes import PushChanged, TaskChanged, TaskEvent
from tests.callers import of_tenant, signed_in
from tests.eventually import eventually, seconds
from tests.services.scheduler.conftest import StartScheduler
from tests.services.scheduler.schedulers import Projector, RunningScheduler, Tail
from tests.services.scheduler.tasks import (
    GROUPS,
    a_task,
    enter,
    enter_groups,
    pushes_of,
    results_of,
    rows_of,
    task_now,
)

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

TASKS = 120
PATIENCE = seconds(60)
PUSH = "/api/push"


def the_second() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def expected(database: sa.Engine, task_ids: set[str]) -> set[str]:
    query = "SELECT task_id, message_id FROM t_push_results JOIN t_pushes USING (push_id)"
    return {row.message_id for row in rows_of(database, query) if row.task_id in task_ids}


async def test_each_group_is_written_to_once_though_a_scheduler_is_killed_half_way(
    a_scheduler: StartScheduler, requests: Tail[SendRequested], database: sa.Engine
) -> None:
    enter_groups(database)
    one, other = await asyncio.gather(a_scheduler(), a_scheduler())
    begins = the_second() + seconds(2)
    new = [a_task(at=begins + seconds(number * 3 // TASKS)) for number in range(TASKS)]
    enter(database, *new)
    ids = {task.task_id for task in new}

    async def seen(share: float) -> bool:
        return len({r.message_id for r in await requests.read()}) >= share * TASKS * len(GROUPS)

    await eventually(lambda: seen(0.3), within=PATIENCE)
    one.process.kill()
    await eventually(lambda: seen(1), within=PATIENCE)

    pushed = rows_of(database, "SELECT task_id FROM t_pushes")
    assert Counter(row.task_id for row in pushed if row.task_id in ids) == Counter(ids)
    records = Counter(request.message_id for request in requests.records)
    assert set(records) == expected(database, ids)
    # What may be there twice is one hand-over that was published and not committed at the kill.
    assert sum(records.values()) - len(records) <= 50 * len(GROUPS)
    assert other.process.is_running()


async def test_a_push_by_hand_ends_with_its_groups_and_leaves_the_task_where_it_was(
    scheduler: RunningScheduler,
    requests: Tail[SendRequested],
    job_changes: Tail[TaskEvent],
    projector: Projector,
    database: sa.Engine,
) -> None:
    enter_groups(database)
    task = a_task(at=the_second() + seconds(3_600), status=TaskStatus.DRAFT, priority="high")
    enter(database, task)

    answer = await scheduler.client.post(PUSH, json={"taskId": task.task_id})

    push_id = answer.json()["pushId"]
    assert answer.json() == {"message": "Push started", "pushId": push_id}

    async def handed_over() -> list[SendRequested]:
        mine = [request for request in await requests.read() if request.job_id == push_id]
        return mine if len(mine) == len(GROUPS) else []

    sent = await eventually(handed_over, within=PATIENCE)
    assert {(one.contact_id, one.recipient, one.priority) for one in sent} == {
        (group, f"chat:{group}", "high") for group in GROUPS
    }
    again = await scheduler.client.post(PUSH, json={"taskId": task.task_id})
    assert (again.status_code, again.json()) == (
        409,
        {"error": "Task cannot be pushed in its current status"},
    )

    await projector.say(sent[:1], Status.SENDING, Status.FAILED)
    await projector.say(sent[1:], Status.SENDING, Status.SENT)

    await eventually(lambda: pushes_of(database, task)[0].status == "completed", within=PATIENCE)
    results = results_of(database, push_id)
    assert results[str(sent[0].contact_id)].status == "failed"
    assert task_now(database, task).status == "draft"
    noted = rows_of(database, "SELECT * FROM audit_log WHERE action = 'task.push'")
    # Other tests of this module's scheduler push theirs.
    assert [row.about for row in noted].count(task.task_id) == 1

    async def told() -> list[tuple[str, int, str]]:
        of_task = [
            change
            for change in await job_changes.read()
            if isinstance(change, TaskChanged | PushChanged) and change.task_id == task.task_id
        ]
        said = [(type(one).__name__, one.sequence, str(one.to_status)) for one in of_task]
        return said if len(said) >= 5 else []

    assert await eventually(told, within=PATIENCE) == [
        ("TaskChanged", 1, "draft"),
        ("PushChanged", 1, "running"),
        ("TaskChanged", 2, "running"),
        ("PushChanged", 2, "completed"),
        ("TaskChanged", 3, "draft"),
    ]


@pytest.mark.parametrize("task_id", ["no-such-task", "\x00"])
async def test_what_is_not_there_is_not_pushed(scheduler: RunningScheduler, task_id: str) -> None:
    answer = await scheduler.client.post(PUSH, json={"taskId": task_id})

    assert (answer.status_code, answer.json()) == (404, {"error": "Task not found"})


async def test_the_same_key_pushes_once(scheduler: RunningScheduler, database: sa.Engine) -> None:
    enter_groups(database)
    task, other = (a_task(at=the_second() + seconds(3_600)) for _ in range(2))
    enter(database, task, other)
    headers = {"Idempotency-Key": "once"}

    answers = [
        await scheduler.client.post(PUSH, json={"taskId": task.task_id}, headers=headers)
        for _ in range(2)
    ]
    another = await scheduler.client.post(PUSH, json={"taskId": other.task_id}, headers=headers)

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert [push.push_id for push in pushes_of(database, task)] == [answers[0].json()["pushId"]]
    assert (another.status_code, pushes_of(database, other)) == (409, [])


async def test_a_pause_stops_the_groups_that_wait_and_is_told_as_no_failure(
    scheduler: RunningScheduler, stack: Stack, database: sa.Engine
) -> None:
    enter_groups(database)
    paused, deleted = (a_task(at=the_second() + seconds(1)) for _ in range(2))
    path = "/api/tasks/batch"

    # While the broker is away no group is on its way: all of them wait.
    stack.kafka.suspend()
    try:
        enter(database, paused, deleted)
        for task in (paused, deleted):
            await eventually(lambda task=task: pushes_of(database, task), within=PATIENCE)
        ids = [paused.task_id, deleted.task_id]
        body = {"taskIds": ids, "action": "pause"}
        stopping = asyncio.create_task(scheduler.client.post(path, json=body))
        answer = await asyncio.wait_for(stopping, PATIENCE.total_seconds())
        assert answer.json()["failedTasks"] == []
        gone = await scheduler.client.delete(f"/api/tasks/{deleted.task_id}")
        assert gone.status_code == 200
    finally:
        stack.kafka.resume()

    for task in (paused, deleted):
        [push] = pushes_of(database, task)
        assert (push.status, push.reason) == ("skipped", "the task was paused")
        results = results_of(database, push.push_id).values()
        assert {result.status for result in results} == {"cancelled"}
    assert task_now(database, paused).status == "paused"


async def test_only_who_may_push_does_and_only_their_own(
    scheduler: RunningScheduler, database: sa.Engine
) -> None:
    task = a_task(at=the_second() + seconds(3_600))
    enter(database, task)
    body = {"taskId": task.task_id}

    editor = signed_in(of_tenant("acme", Permission.TASKS_EDIT))
    neighbour = signed_in(of_tenant("acme", Permission.TASKS_PUSH))

    assert (await scheduler.client.post(PUSH, json=body, headers=editor)).status_code == 403
    assert (await scheduler.client.post(PUSH, json=body, headers=neighbour)).status_code == 404


@pytest.mark.slow
async def test_while_the_broker_is_away_pushes_begin_and_are_handed_over_once_it_is_back(
    a_scheduler: StartScheduler, stack: Stack, requests: Tail[SendRequested], database: sa.Engine
) -> None:
    enter_groups(database)
    await a_scheduler()
    task = a_task(at=the_second() + seconds(1))

    stack.kafka.suspend()
    try:
        enter(database, task)
        await eventually(lambda: pushes_of(database, task), within=PATIENCE)
    finally:
        stack.kafka.resume()

    push_id = pushes_of(database, task)[0].push_id

    async def handed_over() -> bool:
        mine = {r.contact_id for r in await requests.read() if r.job_id == push_id}
        return mine == set(GROUPS)

    await eventually(handed_over, within=PATIENCE)
    await eventually(lambda: pushes_of(database, task)[0].published_at is not None, within=PATIENCE)
