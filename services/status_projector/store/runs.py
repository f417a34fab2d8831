"""What is asked of tasks and their pushes, and of everything's history; nothing here writes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from services.status_projector.cursors import Cursor

Kind = Literal["job", "task", "push", "group_send"]

_NUL = "\x00"
"""PostgreSQL keeps it in no text and refuses to look for it."""
_HISTORY = sa.text(
    """
    SELECT sequence, from_status, to_status, reason, changed_by, updated_at
    FROM task_status_history WHERE kind = :kind AND id = :id ORDER BY sequence
    """
)


def history(connection: sa.Connection, kind: Kind, of: str) -> list[Mapping[str, Any]]:
    """Return the changes of one thing, in their order."""
    rows = connection.execute(_HISTORY, {"kind": kind, "id": of}).mappings()
    return [dict(row) for row in rows]


@dataclass(frozen=True, slots=True)
class Task:
    """A timed push task, as far as asking for it needs."""

    tenant_id: str | None


_TASK = sa.text("SELECT tenant_id FROM task_states WHERE task_id = :task_id AND NOT deleted")


def task(connection: sa.Connection, task_id: str) -> Task | None:
    """Return a task; None where there is none any more."""
    if _NUL in task_id:
        return None
    row = connection.execute(_TASK, {"task_id": task_id}).one_or_none()
    return None if row is None else Task(row.tenant_id)


@dataclass(frozen=True, slots=True)
class Push:
    """One run of a task."""

    push_id: str
    task_id: str
    tenant_id: str | None
    status: str
    groups: int
    occurrence_at: datetime | None
    due_at: datetime
    begun_at: datetime
    """When its first change happened."""
    reason: str | None


_PUSH_COLUMNS = """
    SELECT p.push_id, p.task_id, p.tenant_id, p.status, p.groups, p.occurrence_at, p.due_at,
           coalesce(h.updated_at, p.updated_at) AS begun_at, p.reason
    FROM push_states p LEFT JOIN task_status_history h
        ON h.kind = 'push' AND h.id = p.push_id AND h.sequence = 1
"""
_PUSH = sa.text(f"{_PUSH_COLUMNS} WHERE p.push_id = :push_id")
_PUSHES = sa.text(
    f"""
    {_PUSH_COLUMNS}
    WHERE p.task_id = :task_id
        AND (CAST(:at AS timestamptz) IS NULL OR (p.due_at, p.push_id) < (:at, :id))
    ORDER BY p.due_at DESC, p.push_id DESC LIMIT :limit
    """
)


def push(connection: sa.Connection, push_id: str) -> Push | None:
    """Return a push; None where there is none."""
    if _NUL in push_id:
        return None
    row = connection.execute(_PUSH, {"push_id": push_id}).one_or_none()
    return None if row is None else Push(*row)


def pushes(
    connection: sa.Connection, task_id: str, *, after: Cursor[str] | None, limit: int
) -> list[Push]:
    """Return the pushes of a task behind the cursor, newest first (IM-40)."""
    values = {
        "task_id": task_id,
        "at": None if after is None else after.at,
        "id": None if after is None else after.id,
        "limit": limit,
    }
    return [Push(*row) for row in connection.execute(_PUSHES, values)]


@dataclass(frozen=True, slots=True)
class Group:
    """A group of a push, and what became of its message."""

    group_id: str
    is_sent: bool
    is_failed: bool
    error: str | None


_GROUPS = sa.text(
    """
    SELECT contact_id, bool_or(delivery_status IN ('sent', 'delivered', 'read')),
           bool_and(delivery_status = 'failed'), max(error_message)
    FROM messages WHERE job_id = :push_id AND contact_id IS NOT NULL
    GROUP BY contact_id
    UNION ALL
    SELECT group_id, FALSE, TRUE, coalesce(error, 'stopped before it was sent to')
    FROM t_push_results
    WHERE push_id = :push_id AND status IN ('failed', 'cancelled') AND published_at IS NULL
    ORDER BY 1
    """
)
"""A group that was written to anew is sent to once one of its messages is. One that was never
handed over has no message: the scheduler says why (TP-14)."""


def groups(connection: sa.Connection, push_id: str) -> list[Group]:
    """Return the groups of a push, 100 at most (TP-10)."""
    return [Group(*row) for row in connection.execute(_GROUPS, {"push_id": push_id})]
