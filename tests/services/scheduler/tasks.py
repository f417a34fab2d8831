"""Timed push tasks for tests: entered as people plan them, and what came of them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from domain.misfires import ONE_OFF, RECURRING, Catching
from domain.recurrence import Every
from domain.sending_hours import SendingHours
from domain.tasks import Overlap, Plan, PushContent, ScheduleType, TaskStatus, Timing
from services.scheduler.store import contents, tasks
from services.scheduler.store.task_rows import Task
from tests.given import NOON
from tests.sealed import VAULT

GROUPS = ("math", "physics", "chess")


def enter_groups(database: sa.Engine, groups: Sequence[str] = GROUPS) -> None:
    """Enter group chats under these ids, where they are not there yet."""
    with database.begin() as connection:
        connection.execute(
            sa.text(
                """
                INSERT INTO t_groups (group_id, name, channel, sender_id, recipient, created_at)
                SELECT id, id, 'wecom', 'ww1', 'chat:' || id, :now
                FROM unnest(CAST(:ids AS text[])) AS id ON CONFLICT DO NOTHING
                """
            ),
            {"ids": list(groups), "now": NOON},
        )


def a_task(  # noqa: PLR0913 - what may matter of a task
    *,
    at: datetime,
    every: Every | None = None,
    until: datetime | None = None,
    status: TaskStatus = TaskStatus.SCHEDULED,
    groups: Sequence[str] = GROUPS,
    priority: Any = "medium",  # noqa: ANN401 - one of three words
    misfire: Catching | None = None,
    overlap: Overlap = Overlap.SKIP,
    hours: SendingHours | None = None,
    zone: str = "UTC",
) -> Task:
    """Return a task that fires first at this time."""
    plan = Plan(
        name="Monday's reminder",
        timing=Timing(
            type=ScheduleType.ONCE if every is None else ScheduleType.RECURRING,
            time=at,
            timezone=str(ZoneInfo(zone)),
            interval=every,
            end=until,
        ),
        content=PushContent(text="The course begins at six."),
        groups=tuple(groups),
        priority=priority,
        misfire=misfire or (ONE_OFF if every is None else RECURRING),
        overlap=overlap,
        sending_hours=hours,
    )
    created_at = at - timedelta(days=1)
    return Task(
        task_id=str(uuid4()),
        tenant_id=None,
        creator_id="1",
        status=status,
        version=1,
        plan=plan,
        next_at=at if status is TaskStatus.SCHEDULED else None,
        resume_at=None,
        last_error=None,
        created_at=created_at,
        updated_at=created_at,
    )


def enter(database: sa.Engine, *new: Task) -> None:
    """Enter tasks as the API does."""
    with database.begin() as connection:
        for task in new:
            tasks.insert(connection, VAULT, task, {}, by="1")


def task_now(database: sa.Engine, task: Task) -> Any:  # noqa: ANN401 - a row
    """Return the row of a task."""
    return rows_of(database, "SELECT * FROM t_tasks WHERE task_id = :id", id=task.task_id)[0]


def pushes_of(database: sa.Engine, task: Task) -> list[Any]:
    """Return the pushes of a task in the order of what they serve."""
    query = "SELECT * FROM t_pushes WHERE task_id = :id ORDER BY occurrence_time NULLS LAST"
    return rows_of(database, query, id=task.task_id)


def results_of(database: sa.Engine, push_id: str) -> dict[str, Any]:
    """Return the result of each group of a push."""
    query = "SELECT * FROM t_push_results WHERE push_id = :id"
    return {row.group_id: row for row in rows_of(database, query, id=push_id)}


def said_in(database: sa.Engine, row: Any, place: str) -> dict[str, Any]:  # noqa: ANN401 - a row
    """Return what a row says that lies sealed there."""
    assert getattr(row, "content", None) is None, "nothing stands in the clear"
    with database.connect() as connection:
        return contents.read(connection, VAULT, [(None, row.sealed)], place=place)[0]


def notices_of(database: sa.Engine, task: Task) -> list[Any]:
    """Return the notices of a task."""
    return rows_of(database, "SELECT * FROM t_notifications WHERE task_id = :id", id=task.task_id)


def told_of(database: sa.Engine, task: Task) -> list[dict[str, Any]]:
    """Return what the notices of a task say."""
    return [said_in(database, one, contents.NOTICES) for one in notices_of(database, task)]


def rows_of(database: sa.Engine, query: str, **values: Any) -> list[Any]:  # noqa: ANN401
    """Return what a query finds."""
    with database.connect() as connection:
        return list(connection.execute(sa.text(query), values))
