"""Tasks that fire or go on by themselves: claimed by one scheduler, moved on together.

Those that fire keep what they say to themselves: their pushes take it over as it is stored.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from domain.tasks import TaskStatus
from runtime.vault import Vault
from schemas.topics.task_changes import TaskChanged
from services.scheduler.store.task_changes import tell
from services.scheduler.store.task_rows import COLUMNS, WITH_CONTENT, Task, task_of, tasks_of


@dataclass(frozen=True, slots=True)
class Step:
    """Where a locked task stands from now on."""

    task: Task
    status: TaskStatus
    next_at: datetime | None
    last_error: str | None
    changed_by: str | None = None


_IS_DUE: Final = """
    urgency = ANY(CAST('{1, 2, 3}' AS smallint[])) AND next_at <= :now AND deleted_at IS NULL
    AND (status = 'scheduled' OR (status = 'running' AND schedule_type = 'recurring'))
"""
"""A one-off that somebody pushes by hand waits for that to end; a recurring one does not.

All urgencies are named, so that the index, which begins with them, is entered at each: of thousands
that are due, each claim reads its own.
"""
_IS_TO_RESUME: Final = "resume_at <= :now AND deleted_at IS NULL AND status = 'paused'"

ANYTHING_DUE: Final = f"""
    (SELECT next_at FROM t_tasks WHERE {_IS_DUE} ORDER BY urgency, next_at LIMIT 1) IS NOT NULL
    OR (SELECT resume_at FROM t_tasks WHERE {_IS_TO_RESUME} ORDER BY resume_at LIMIT 1) IS NOT NULL
    OR (
        SELECT due_at FROM t_pushes WHERE status = 'held' AND due_at <= :now
        ORDER BY due_at LIMIT 1
    ) IS NOT NULL
"""  # noqa: S608 - our own words only
"""Whether there is something to claim, at ``:now``: a look at the ends of three small indexes."""


def claim_due(connection: sa.Connection, *, now: datetime, limit: int) -> list[Task]:
    """Return tasks whose time has come, the most urgent first (TP-04), locked.

    SKIP LOCKED: each goes to one scheduler (IM-17).
    """
    query = f"""
        SELECT {COLUMNS} FROM t_tasks WHERE {_IS_DUE}
        ORDER BY urgency, next_at LIMIT :limit FOR UPDATE SKIP LOCKED
    """  # noqa: S608 - our own words only
    rows = connection.execute(sa.text(query), {"now": now, "limit": limit})
    return [task_of(row) for row in map(dict, rows.mappings())]


def claim_resuming(
    connection: sa.Connection, vault: Vault, *, now: datetime, limit: int
) -> list[Task]:
    """Return paused tasks that go on by themselves now, locked, with what they say (CF-24)."""
    query = f"""
        SELECT {WITH_CONTENT} FROM t_tasks WHERE {_IS_TO_RESUME}
        ORDER BY resume_at LIMIT :limit FOR UPDATE SKIP LOCKED
    """  # noqa: S608 - our own words only
    rows = connection.execute(sa.text(query), {"now": now, "limit": limit})
    return tasks_of(connection, vault, map(dict, rows.mappings()))


def claim_holding(connection: sa.Connection, *, now: datetime, limit: int) -> list[Task]:
    """Return tasks with a push whose hours have come, or whose turn it is, locked."""
    query = f"""
        SELECT {COLUMNS} FROM t_tasks WHERE task_id IN (
            SELECT held.task_id FROM t_pushes AS held
            WHERE held.status = 'held' AND held.due_at <= :now AND NOT EXISTS (
                SELECT 1 FROM t_pushes AS other
                WHERE other.task_id = held.task_id AND other.status = 'running'
            )
            ORDER BY held.due_at LIMIT :limit
        )
        AND deleted_at IS NULL AND status IN ('scheduled', 'running')
        FOR UPDATE SKIP LOCKED
    """  # noqa: S608 - our own words only
    rows = connection.execute(sa.text(query), {"now": now, "limit": limit})
    return [task_of(row) for row in map(dict, rows.mappings())]


def lock(connection: sa.Connection, task_ids: Collection[str]) -> dict[str, Task]:
    """Return tasks, locked in the order of their ids: no deadlock."""
    query = f"""
        SELECT {COLUMNS} FROM t_tasks WHERE task_id = ANY(:ids) AND deleted_at IS NULL
        ORDER BY task_id FOR UPDATE
    """  # noqa: S608 - our own words only
    rows = connection.execute(sa.text(query), {"ids": sorted(set(task_ids))})
    return {row["task_id"]: task_of(row) for row in map(dict, rows.mappings())}


def move(connection: sa.Connection, steps: Sequence[Step], *, now: datetime) -> None:
    """Give locked tasks their next states, and note the changes for `task-changes`."""
    if not steps:
        return
    connection.execute(
        sa.text(
            """
            UPDATE t_tasks AS task
            SET status = step.status, next_at = step.next_at, last_error = step.last_error,
                version = task.version + 1, updated_at = :now
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
    tell(connection, [_changed(step, now) for step in steps], now=now)


def _changed(step: Step, now: datetime) -> TaskChanged:
    has_failed = step.status is TaskStatus.FAILED
    return TaskChanged(
        task_id=step.task.task_id,
        from_status=step.task.status,
        to_status=step.status,
        sequence=step.task.version + 1,
        name=step.task.plan.name,
        next_at=step.next_at,
        reason=step.last_error if has_failed else None,
        changed_by=step.changed_by,
        updated_at=now,
        tenant_id=step.task.tenant_id,
    )
