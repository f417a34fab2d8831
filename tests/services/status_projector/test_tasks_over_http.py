"""What people are told of tasks and pushes, also after restarts (TP-14, TP-16, IM-40)."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from runtime.auth import Permission
from schemas.topics.task_changes import (
    PushChanged,
    PushStatus,
    TaskChanged,
    TaskStatus,
)
from tests.callers import of_tenant, signed_in
from tests.eventually import eventually
from tests.given import NOON
from tests.services.status_projector.conftest import StartProjector
from tests.services.status_projector.facts import Life, Record
from tests.services.status_projector.projectors import (
    SOON,
    RunningProjector,
    Writer,
    frame_from,
)

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]


class TimedTask:
    """A task of a tenant's, and what is told of it."""

    def __init__(self, tenant_id: str = "acme") -> None:
        self.id = str(uuid4())
        self.tenant_id = tenant_id

    def changed(
        self,
        sequence: int,
        status: TaskStatus,
        before: TaskStatus | None = None,
        **fields: Any,  # noqa: ANN401 - any field
    ) -> TaskChanged:
        return TaskChanged(
            task_id=self.id,
            from_status=before,
            to_status=status,
            sequence=sequence,
            updated_at=NOON + timedelta(seconds=sequence),
            tenant_id=self.tenant_id,
            **fields,
        )

    def push(self, push: str, status: PushStatus, minute: int = 0, groups: int = 3) -> PushChanged:
        begins = status is not PushStatus.COMPLETED
        return PushChanged(
            push_id=push,
            task_id=self.id,
            from_status=None if begins else PushStatus.RUNNING,
            to_status=status,
            sequence=1 if begins else 2,
            due_at=NOON + timedelta(minutes=minute),
            groups=groups,
            updated_at=NOON + timedelta(minutes=minute, seconds=0 if begins else 9),
            tenant_id=self.tenant_id,
        )


async def file_tells_the_same(running: RunningProjector, push: str) -> None:
    file = await running.client.get(f"/api/push/{push}/export")
    lines = file.text.lstrip("\ufeff").splitlines()
    assert lines[0] == "groupId,status,deliveredAt,attempts,error"
    assert lines[1].startswith("group-a,sent,20")
    assert lines[-1] == "group-x,failed,,0,群聊不存在"


def enter_results(database: sa.Engine, push: str) -> None:
    """Enter the scheduler's word: a group that there is not has no message."""
    with database.begin() as connection:
        connection.execute(
            sa.text(
                """
                INSERT INTO t_push_results
                    (push_id, group_id, message_id, status, error, sequence, attempts, published_at)
                VALUES (:push, 'group-x', :push || 'x', 'failed', '群聊不存在', 0, 0, NULL),
                    (:push, 'group-a', :push || 'a', 'sent', NULL, 3, 2, now()),
                    (:push, 'group-d', :push || 'd', 'failed', 'nothing was heard', 0, 0, now()),
                    (:push, 'group-e', :push || 'e', 'cancelled', NULL, 0, 0, NULL)
                """
            ),
            {"push": push},
        )


def counted(progress: dict[str, Any]) -> dict[str, int]:
    """Return how many groups are where, of which two thirds are."""
    assert (progress["total"], progress["processed"], progress["percent"]) == (6, 4, 66.7)
    assert (progress["successCount"], progress["failedCount"]) == (1, 2)
    return {state: count for state, count in progress["counts"].items() if count}


async def test_a_push_says_which_groups_were_reached_and_why_the_others_were_not(
    running: RunningProjector, writer: Writer, database: sa.Engine
) -> None:
    task, push = TimedTask(), str(uuid4())
    enter_results(database, push)
    reached, failed, waiting, silent = (Life() for _ in range(4))
    await writer.write(
        [
            task.push(push, PushStatus.RUNNING, groups=6),
            to_group(reached, push, "group-a"),
            to_group(failed, push, "group-b"),
            to_group(waiting, push, "group-c"),
            to_group(silent, push, "group-d"),
            *[reached.started(), reached.accepted(), failed.started(), failed.rejected()],
        ]
    )

    async def is_told() -> bool:
        answer = await running.client.get(f"/api/push/{push}")
        assert answer.status_code == 200
        told = answer.json()
        progress = told.pop("progress")
        assert counted(progress) == {
            "sent": 1,
            "failed": 1,
            "skipped": 1,
            "cancelled": 1,
            "pending": 2,  # of one of them nothing is heard any more
        }
        assert (progress["jobId"], progress["startedAt"]) == (push, told["timestamp"])
        groups = [
            (each["groupId"], each["status"], each["attempts"], each["error"])
            for each in told.pop("groups")
        ]
        assert groups == [
            ("group-a", "sent", 2, None),
            ("group-b", "failed", 0, "群聊不存在"),
            ("group-c", "pending", 0, None),
            ("group-d", "failed", 0, "nothing was heard"),
            ("group-e", "failed", 0, "stopped before it was sent to"),
            ("group-x", "failed", 0, "群聊不存在"),
        ]
        assert told == {
            "pushId": push,
            "taskId": task.id,
            "status": "running",
            "sentGroups": ["group-a"],
            "failedGroups": [
                {"groupId": "group-b", "error": "群聊不存在"},
                {"groupId": "group-d", "error": "nothing was heard"},
                {"groupId": "group-e", "error": "stopped before it was sent to"},
                {"groupId": "group-x", "error": "群聊不存在"},
            ],
            "pendingGroups": ["group-c"],
            "timestamp": "2026-03-02T12:00:00.000Z",
        }
        return True

    await eventually(is_told, within=SOON)
    await file_tells_the_same(running, push)


async def test_the_pushes_of_a_task_come_newest_first_in_pages(
    running: RunningProjector, writer: Writer
) -> None:
    task, pushes = TimedTask(), [str(uuid4()) for _ in range(3)]
    await writer.write([task.changed(1, TaskStatus.SCHEDULED)])
    await writer.write(
        [task.push(push, PushStatus.RUNNING, minute) for minute, push in enumerate(pushes)]
    )
    await writer.write([task.push(pushes[2], PushStatus.COMPLETED, 2)])

    async def pages() -> list[dict[str, Any]]:
        answer = await running.client.get(path, params={"limit": 2})
        assert answer.status_code == 200
        first = answer.json()
        assert first["nextCursor"] is not None
        second = await running.client.get(path, params={"cursor": first["nextCursor"]})
        return [first, second.json()]

    path = f"/api/tasks/{task.id}/pushes"

    async def are_told() -> bool:
        first, second = await pages()
        assert [push["pushId"] for push in first["items"]] == [pushes[2], pushes[1]]
        assert [push["pushId"] for push in second["items"]] == [pushes[0]]
        assert [push["status"] for push in first["items"]] == ["completed", "running"]
        assert first["items"][0]["begunAt"] == "2026-03-02T12:02:00.000Z"
        ended = first["items"][0]["progress"]
        assert (ended["finishedAt"], ended["estimatedRemainingSeconds"]) == (
            "2026-03-02T12:02:09.000Z",
            0,
        )
        steps = (await running.client.get(f"/api/push/{pushes[2]}/history")).json()
        assert [step["toStatus"] for step in steps] == ["running", "completed"]
        return True

    await eventually(are_told, within=SOON)


async def test_a_tasks_history_is_the_same_through_restarts_and_repetitions(
    a_projector: StartProjector, running: RunningProjector, writer: Writer
) -> None:
    task = TimedTask()
    draft = task.changed(1, TaskStatus.DRAFT, name="周一课程提醒", changed_by="17")
    scheduled = task.changed(2, TaskStatus.SCHEDULED, TaskStatus.DRAFT, next_at=NOON)
    paused = task.changed(3, TaskStatus.PAUSED, TaskStatus.SCHEDULED, reason="by hand")
    other = await a_projector()
    await writer.write([draft, scheduled])
    await steps_are(running, task, ["draft", "scheduled"])

    other.process.kill()
    await writer.write([draft, scheduled, paused, draft, paused])

    steps = await steps_are(running, task, ["draft", "scheduled", "paused"])
    assert steps[0] == {
        "sequence": 1,
        "fromStatus": None,
        "toStatus": "draft",
        "reason": None,
        "changedBy": "17",
        "updatedAt": "2026-03-02T12:00:01.000Z",
    }
    assert steps[2]["reason"] == "by hand"


async def test_a_deleted_task_does_not_exist_any_more(
    running: RunningProjector, writer: Writer
) -> None:
    task = TimedTask()
    await writer.write([task.changed(1, TaskStatus.DRAFT)])
    await steps_are(running, task, ["draft"])

    await writer.write([task.changed(2, TaskStatus.DRAFT, TaskStatus.DRAFT, deleted=True)])

    async def is_gone() -> bool:
        answer = await running.client.get(f"/api/tasks/{task.id}/history")
        return (answer.status_code, answer.json()) == (404, {"error": "Task not found"})

    await eventually(is_gone, within=SOON)


@pytest.mark.parametrize("unknown", ["nobody", "%00"])
@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/api/push/{}", "Push not found"),
        ("/api/push/{}/history", "Push not found"),
        ("/api/tasks/{}/history", "Task not found"),
        ("/api/tasks/{}/pushes", "Task not found"),
    ],
)
async def test_what_nobody_knows_is_not_found(
    running: RunningProjector, path: str, error: str, unknown: str
) -> None:
    answer = await running.client.get(path.format(unknown))

    assert (answer.status_code, answer.json()) == (404, {"error": error})


async def test_another_tenants_tasks_and_pushes_do_not_exist(
    running: RunningProjector, writer: Writer
) -> None:
    task, push = TimedTask("acme"), str(uuid4())
    await writer.write([task.changed(1, TaskStatus.DRAFT), task.push(push, PushStatus.RUNNING)])
    await steps_are(running, task, ["draft"])
    await eventually(lambda: is_there(running, f"/api/push/{push}"), within=SOON)
    others = signed_in(of_tenant("other"))
    blind = signed_in(of_tenant("acme", Permission.JOBS_VIEW))

    for path in (
        f"/api/push/{push}",
        f"/api/push/{push}/history",
        f"/api/tasks/{task.id}/history",
        f"/api/tasks/{task.id}/pushes",
    ):
        assert (await running.client.get(path, headers=others)).status_code == 404
        assert (await running.client.get(path, headers=blind)).status_code == 403


def to_group(life: Life, push: str, group: str) -> Record:
    return life.request(job_id=push, contact_id=group, tenant_id="acme")


async def steps_are(
    running: RunningProjector, task: TimedTask, statuses: list[str]
) -> list[dict[str, Any]]:
    async def look() -> list[dict[str, Any]]:
        answer = await running.client.get(f"/api/tasks/{task.id}/history")
        assert answer.status_code == 200
        steps: list[dict[str, Any]] = answer.json()
        assert [step["toStatus"] for step in steps] == statuses
        return steps

    return await eventually(look, within=SOON)


async def is_there(running: RunningProjector, path: str) -> bool:
    return (await running.client.get(path)).status_code == 200


@pytest.mark.parametrize("wish", ["jobId={push}", "taskId={push}"])
async def test_how_far_a_push_is_comes_live(
    running: RunningProjector, writer: Writer, wish: str
) -> None:
    task, push, life = TimedTask(), str(uuid4()), Life()
    await writer.write([task.push(push, PushStatus.RUNNING)])
    await eventually(lambda: is_there(running, f"/api/push/{push}"), within=SOON)

    async with running.live(f"?{wish.format(push=push)}&event=job.progress") as socket:
        await writer.write([to_group(life, push, "group-a"), life.started(), life.accepted()])
        told = await frame_from(socket)
        while told["data"]["counts"]["sent"] == 0:
            told = await frame_from(socket)

    assert (told["type"], told["data"]["jobId"]) == ("job.progress", push)
    assert (told["data"]["total"], told["data"]["percent"]) == (3, 33.3)
