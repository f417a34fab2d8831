"""Tasks that fire or go on by themselves: claimed by one scheduler, moved on together."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from domain.misfires import Catching, Misfire
from domain.pacing import Priority
from domain.pushes import Policies
from domain.recurrence import Schedule
from domain.tasks import MiniProgram, Overlap, PushContent, ScheduleType, TaskStatus, Timing
from schemas.topics import task_changes as topic
from schemas.topics.task_changes import TaskChanged
from services.scheduler.store import telling


@dataclass(frozen=True, slots=True, kw_only=True)
class DueTask:
    """A task, locked, as far as firing it needs."""

    task_id: str
    tenant_id: str | None
    name: str
    status: TaskStatus
    version: int
    timing: Timing
    next_at: datetime | None
    last_error: str | None
    content: PushContent
    groups: tuple[str, ...]
    priority: Priority
    policies: Policies
    asks_feedback: bool

    @property
    def schedule(self) -> Schedule:
        """The rule of its occurrences."""
        return self.timing.schedule


@dataclass(frozen=True, slots=True)
class Step:
    """Where a locked task stands from now on."""

    task: DueTask
    status: TaskStatus
    next_at: datetime | None
    last_error: str | None
    changed_by: str | None = None


_COLUMNS: Final = """
    task_id, tenant_id, name, status, version, schedule_type, schedule_time, recurring_interval,
    recurring_end, timezone, next_at, last_error, content_text, content_image, content_link,
    content_miniprogram, groups, priority, misfire, misfire_within, overlap, sending_hours,
    asks_feedback
"""
_IS_DUE: Final = """
    next_at <= :now AND deleted_at IS NULL
    AND (status = 'scheduled' OR (status = 'running' AND schedule_type = 'recurring'))
"""
_IS_TO_RESUME: Final = "resume_at <= :now AND deleted_at IS NULL AND status = 'paused'"
"""A one-off that somebody pushes by hand waits for that to end; a recurring one does not."""

_LOOK: Final = sa.text(
    f"""
    SELECT EXISTS (SELECT 1 FROM t_tasks WHERE {_IS_DUE})
        OR EXISTS (SELECT 1 FROM t_tasks WHERE {_IS_TO_RESUME})
        OR EXISTS (SELECT 1 FROM t_pushes WHERE status = 'held' AND due_at <= :now)
    """
)


def is_anything_due(connection: sa.Connection, *, now: datetime) -> bool:
    """Tell whether there is something to claim: a look at the ends of three small indexes."""
    return bool(connection.execute(_LOOK, {"now": now}).scalar_one())


def claim_due(connection: sa.Connection, *, now: datetime, limit: int) -> list[DueTask]:
    """Return tasks whose time has come, the most urgent first (TP-04), locked.

    SKIP LOCKED: each goes to one scheduler (IM-17).
    """
    query = f"""
        SELECT {_COLUMNS} FROM t_tasks WHERE {_IS_DUE}
        ORDER BY array_position(ARRAY['high', 'medium', 'low'], priority::text), next_at
        LIMIT :limit FOR UPDATE SKIP LOCKED
    """
    rows = connection.execute(sa.text(query), {"now": now, "limit": limit})
    return [_task(row) for row in rows]


def claim_resuming(connection: sa.Connection, *, now: datetime, limit: int) -> list[DueTask]:
    """Return paused tasks that go on by themselves now, locked (CF-24)."""
    query = f"""
        SELECT {_COLUMNS} FROM t_tasks WHERE {_IS_TO_RESUME}
        ORDER BY resume_at LIMIT :limit FOR UPDATE SKIP LOCKED
    """
    rows = connection.execute(sa.text(query), {"now": now, "limit": limit})
    return [_task(row) for row in rows]


def claim_holding(connection: sa.Connection, *, now: datetime, limit: int) -> list[DueTask]:
    """Return tasks with a push whose hours have come, or whose turn it is, locked."""
    query = f"""
        SELECT {_COLUMNS} FROM t_tasks WHERE task_id IN (
            SELECT held.task_id FROM t_pushes AS held
            WHERE held.status = 'held' AND held.due_at <= :now AND NOT EXISTS (
                SELECT 1 FROM t_pushes AS other
                WHERE other.task_id = held.task_id AND other.status = 'running'
            )
            ORDER BY held.due_at LIMIT :limit
        )
        FOR UPDATE SKIP LOCKED
    """
    rows = connection.execute(sa.text(query), {"now": now, "limit": limit})
    return [_task(row) for row in rows]


def lock(connection: sa.Connection, task_ids: Collection[str]) -> dict[str, DueTask]:
    """Return tasks, locked in the order of their ids: no deadlock."""
    query = f"SELECT {_COLUMNS} FROM t_tasks WHERE task_id = ANY(:ids) ORDER BY task_id FOR UPDATE"
    rows = connection.execute(sa.text(query), {"ids": sorted(set(task_ids))})
    return {row.task_id: _task(row) for row in rows}


def move(connection: sa.Connection, steps: Sequence[Step], *, now: datetime) -> None:
    """Give locked tasks their next states, and note the changes for `task-changes`."""
    if not steps:
        return
    connection.execute(
        sa.text(
            """
            UPDATE t_tasks AS task
            SET status = step.status, next_at = step.next_at, last_error = step.last_error,
                version = task.version + 1, updated_at = :now,
                resume_at = CASE WHEN step.status = 'paused' THEN task.resume_at END
            FROM unnest(
                CAST(:ids AS text[]), CAST(:statuses AS text[]), CAST(:nexts AS timestamptz[]),
                CAST(:errors AS text[])
            ) AS step(task_id, status, next_at, last_error)
            WHERE task.task_id = step.task_id
            """
        ),
        {
            "ids": [step.task.task_id for step in steps],
            "statuses": [step.status for step in steps],
            "nexts": [step.next_at for step in steps],
            "errors": [step.last_error for step in steps],
            "now": now,
        },
    )
    telling.note(connection, [_changed(step, now) for step in steps], now=now)


def _changed(step: Step, now: datetime) -> TaskChanged:
    has_failed = step.status is TaskStatus.FAILED
    return TaskChanged(
        task_id=step.task.task_id,
        from_status=topic.TaskStatus(step.task.status),
        to_status=topic.TaskStatus(step.status),
        sequence=step.task.version + 1,
        name=step.task.name,
        next_at=step.next_at,
        reason=step.last_error if has_failed else None,
        changed_by=step.changed_by,
        updated_at=now,
        tenant_id=step.task.tenant_id,
    )


def _task(row: Any) -> DueTask:  # noqa: ANN401 - a row of the columns above
    kind = ScheduleType(row.schedule_type)
    timing = Timing(
        type=kind,
        time=row.schedule_time,
        timezone=row.timezone,
        interval=row.recurring_interval,
        end=row.recurring_end,
    )
    return DueTask(
        task_id=row.task_id,
        tenant_id=row.tenant_id,
        name=row.name,
        status=TaskStatus(row.status),
        version=row.version,
        timing=timing,
        next_at=row.next_at,
        last_error=row.last_error,
        content=_content(row),
        groups=tuple(dict.fromkeys(row.groups)),
        priority=row.priority,
        policies=Policies(
            catching=Catching(Misfire(row.misfire), row.misfire_within),
            overlap=Overlap(row.overlap),
            hours=None,
            zone=timing.schedule.zone,
        ),
        asks_feedback=row.asks_feedback,
    )


def _content(row: Any) -> PushContent:  # noqa: ANN401 - a row of the columns above
    card = row.content_miniprogram
    return PushContent(
        text=row.content_text,
        image=row.content_image,
        link=row.content_link,
        miniprogram=None if card is None else MiniProgram(card["appid"], card["pagePath"]),
    )
