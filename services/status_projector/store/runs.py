"""What is asked of tasks and their pushes, and of everything's history; nothing here writes."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from domain.throughput import Throughput
from schemas.topics.task_changes import PushStatus
from services.status_projector.cursors import Cursor
from services.status_projector.store.jobs import STATUSES, Counted

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
    """When its first change happened that was no waiting."""
    reason: str | None
    counted: Counted
    """How far it is: its groups are what a job's recipients are (BJ-05, TP-14)."""


_PUSH_COLUMNS = """
    SELECT p.push_id, p.task_id, p.tenant_id, p.status, p.groups, p.occurrence_at, p.due_at,
           coalesce(h.begun_at, p.updated_at) AS begun_at, p.reason, p.updated_at,
           c.pending, c.sending, c.sent, c.delivered, c.read, c.failed,
           c.recent, c.recent_since, c.recent_at, u.skipped, u.cancelled
    FROM push_states p
    LEFT JOIN LATERAL (
        SELECT min(updated_at) AS begun_at FROM task_status_history
        WHERE kind = 'push' AND id = p.push_id AND to_status <> 'held'
    ) h ON TRUE
    LEFT JOIN job_progress c ON c.job_id = p.push_id
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE status = 'failed') AS skipped,
               count(*) FILTER (WHERE status = 'cancelled') AS cancelled
        FROM t_push_results r WHERE r.push_id = p.push_id AND r.published_at IS NULL
    ) u
"""
"""A group that was never handed over has no message that could be counted."""
_BY_ID = sa.text(f"{_PUSH_COLUMNS} WHERE p.push_id = ANY(:push_ids)")
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
    return next(iter(pushes_of(connection, [push_id])), None)


def pushes_of(connection: sa.Connection, push_ids: Collection[str]) -> list[Push]:
    """Return those of these pushes that there are."""
    possible = [push_id for push_id in push_ids if _NUL not in push_id]
    return [_push(row) for row in connection.execute(_BY_ID, {"push_ids": possible})]


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
    return [_push(row) for row in connection.execute(_PUSHES, values)]


def _push(row: Any) -> Push:  # noqa: ANN401 - a row of _PUSH_COLUMNS
    found = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for it
    counted = Counted(
        job_id=row.push_id,
        tenant_id=row.tenant_id,
        status=row.status,
        total=row.groups,
        paused_reason=None,
        started_at=row.begun_at,
        finished_at=None if row.status == PushStatus.RUNNING else row.updated_at,
        by_status={status: found[status] or 0 for status in STATUSES},
        skipped=row.skipped,
        cancelled=row.cancelled,
        recalled=0,
        throughput=Throughput(row.recent or 0.0, row.recent_since, row.recent_at),
    )
    return Push(*row[:9], counted=counted)


@dataclass(frozen=True, slots=True)
class Group:
    """A group of a push, and what became of its message."""

    group_id: str
    is_sent: bool
    is_failed: bool
    error_code: str | None
    error: str | None
    delivered_at: datetime | None
    """When it was sent to, where the provider tells nothing later (WC-05)."""
    attempts: int


_GROUPS = sa.text(
    """
    WITH written AS (
        SELECT contact_id, bool_or(delivery_status IN ('sent', 'delivered', 'read')) AS is_sent,
               bool_and(delivery_status = 'failed') AS is_failed, max(error_code) AS error_code,
               max(error_message) AS error, min(coalesce(delivered_at, accepted_at)) AS delivered_at
        FROM messages WHERE job_id = :push_id AND contact_id IS NOT NULL
        GROUP BY contact_id
    ), meant AS (
        SELECT group_id, delivered_at, attempts, error,
               status IN ('failed', 'cancelled') AND sequence = 0 AS is_failed
        FROM t_push_results WHERE push_id = :push_id
    )
    SELECT coalesce(contact_id, group_id), coalesce(is_sent, FALSE),
           NOT coalesce(is_sent, FALSE)
               AND (coalesce(written.is_failed, FALSE) OR coalesce(meant.is_failed, FALSE)),
           CASE WHEN meant.is_failed IS NOT TRUE THEN error_code END,
           CASE WHEN meant.is_failed THEN coalesce(meant.error, 'stopped before it was sent to')
               ELSE written.error END,
           coalesce(written.delivered_at, meant.delivered_at), coalesce(attempts, 0)
    FROM written FULL JOIN meant ON group_id = contact_id
    ORDER BY 1
    """
)
"""A group that was written to anew is sent to once one of its messages is. Of one that was never
handed over, or of whose message nothing was heard, the scheduler says why (TP-14)."""


def groups(connection: sa.Connection, push_id: str) -> list[Group]:
    """Return the groups of a push, 100 at most (TP-10)."""
    return [Group(*row) for row in connection.execute(_GROUPS, {"push_id": push_id})]
