"""Pushes: one run of a task each, and what becomes of each of its groups (IM-17, IM-40).

Locks are taken in one order everywhere: tasks, then pushes, then results.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from domain.pacing import Priority
from domain.pushes import Counts
from domain.tasks import TaskStatus
from schemas.topics.task_changes import PushChanged, PushStatus
from services.scheduler.store import push_results
from services.scheduler.store.contents import CLEAR_OF_TASK
from services.scheduler.store.task_changes import tell


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPush:
    """A push to be entered."""

    push_id: str
    task_id: str
    tenant_id: str | None
    status: str
    occurrence: datetime | None
    """None: somebody starts it by hand."""
    due_at: datetime
    priority: Priority
    groups: tuple[str, ...]
    reason: str | None = None
    started_by: str | None = None
    returns_to: TaskStatus | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """A push, locked."""

    push_id: str
    task_id: str
    tenant_id: str | None
    occurrence: datetime | None
    due_at: datetime
    version: int
    returns_to: TaskStatus | None


@dataclass(frozen=True, slots=True)
class Ended:
    """A locked push of which no group is pending."""

    push: Push
    counts: Counts
    error: str | None
    """One of its groups'."""


_COLUMNS: Final = "push_id, task_id, tenant_id, occurrence_time, due_at, version, returns_to"


def known(connection: sa.Connection, push_ids: Collection[str]) -> set[str]:
    """Return which of them there are already."""
    query = "SELECT push_id FROM t_pushes WHERE push_id = ANY(:ids)"
    return set(connection.execute(sa.text(query), {"ids": list(push_ids)}).scalars())


def busy(connection: sa.Connection, task_ids: Collection[str]) -> set[str]:
    """Return which of the tasks have a push under way, or one that waits."""
    query = """
        SELECT DISTINCT task_id FROM t_pushes
        WHERE task_id = ANY(:ids) AND status IN ('running', 'held')
    """
    return set(connection.execute(sa.text(query), {"ids": list(task_ids)}).scalars())


def running(connection: sa.Connection, task_ids: Collection[str]) -> set[str]:
    """Return which of the tasks have a push under way."""
    query = "SELECT task_id FROM t_pushes WHERE task_id = ANY(:ids) AND status = 'running'"
    return set(connection.execute(sa.text(query), {"ids": list(task_ids)}).scalars())


def enter(connection: sa.Connection, pushes: Sequence[NewPush], *, now: datetime) -> None:
    """Enter pushes of locked tasks, the groups of those that begin, and their first changes.

    What they say is what is stored with their tasks, which nobody has to open for that.
    """
    if not pushes:
        return
    connection.execute(
        sa.text(
            f"""
            INSERT INTO t_pushes (
                push_id, task_id, tenant_id, status, occurrence_time, due_at, reason, priority,
                content, sealed, started_by, returns_to, started_at, moved_at, finished_at
            )
            SELECT push_id, task_id, push.tenant_id, push.status, occurrence_time, due_at, reason,
                push.priority, {CLEAR_OF_TASK}, sealed, started_by, returns_to,
                CASE WHEN push.status = 'running' THEN :now END,
                CASE WHEN push.status = 'running' THEN :now END,
                CASE WHEN push.status = 'skipped' THEN :now END
            FROM unnest(
                CAST(:push_ids AS text[]), CAST(:task_ids AS text[]), CAST(:tenants AS text[]),
                CAST(:statuses AS text[]), CAST(:occurrences AS timestamptz[]),
                CAST(:dues AS timestamptz[]), CAST(:reasons AS text[]),
                CAST(:priorities AS text[]), CAST(:starters AS text[]), CAST(:returns AS text[])
            ) AS push(
                push_id, task_id, tenant_id, status, occurrence_time, due_at, reason, priority,
                started_by, returns_to
            ) JOIN t_tasks USING (task_id)
            """  # noqa: S608 - our own words only
        ),
        {
            "push_ids": [push.push_id for push in pushes],
            "task_ids": [push.task_id for push in pushes],
            "tenants": [push.tenant_id for push in pushes],
            "statuses": [push.status for push in pushes],
            "occurrences": [push.occurrence for push in pushes],
            "dues": [push.due_at for push in pushes],
            "reasons": [push.reason for push in pushes],
            "priorities": [push.priority for push in pushes],
            "starters": [push.started_by for push in pushes],
            "returns": [push.returns_to for push in pushes],
            "now": now,
        },
    )
    begun = [push for push in pushes if push.status == PushStatus.RUNNING]
    push_results.enter(connection, [(one.push_id, one.tenant_id, one.groups) for one in begun])
    tell(connection, [_began(push, now) for push in pushes], now=now)


def next_held(connection: sa.Connection, task_ids: Collection[str], *, now: datetime) -> list[Push]:
    """Return the first push of each locked task that waits and whose hours have come."""
    query = f"""
        SELECT DISTINCT ON (task_id) {_COLUMNS} FROM t_pushes
        WHERE task_id = ANY(:ids) AND status = 'held' AND due_at <= :now
        ORDER BY task_id, due_at, occurrence_time
    """  # noqa: S608 - our own words only
    rows = connection.execute(sa.text(query), {"ids": list(task_ids), "now": now})
    return [_push(row) for row in rows]


def last_ended(connection: sa.Connection, task_ids: Collection[str]) -> dict[str, datetime]:
    """Return when the last push of each task ended, of those that had one."""
    query = """
        SELECT task_id, max(finished_at) AS at FROM t_pushes
        WHERE task_id = ANY(:ids) AND finished_at IS NOT NULL GROUP BY task_id
    """
    rows = connection.execute(sa.text(query), {"ids": list(task_ids)})
    return {row.task_id: row.at for row in rows}


def stopped(connection: sa.Connection, push_ids: Collection[str]) -> set[str]:
    """Return which of them were left out, or have groups that somebody cancelled."""
    query = """
        SELECT push_id FROM t_pushes AS push
        WHERE push_id = ANY(:ids) AND (push.status = 'skipped' OR EXISTS (
            SELECT 1 FROM t_push_results AS result
            WHERE result.push_id = push.push_id AND result.status = 'cancelled'
        ))
    """
    return set(connection.execute(sa.text(query), {"ids": list(push_ids)}).scalars())


def move_held(connection: sa.Connection, pushes: Sequence[NewPush], *, now: datetime) -> None:
    """Begin pushes that waited, with what their locked tasks say now; or hold on, or skip them."""
    if not pushes:
        return
    rows = connection.execute(
        sa.text(
            f"""
            UPDATE t_pushes AS push
            SET status = moved.status, due_at = moved.due_at, reason = moved.reason,
                priority = moved.priority, content = {CLEAR_OF_TASK}, sealed = task.sealed,
                started_at = CASE WHEN moved.status = 'running' THEN :now END,
                moved_at = CASE WHEN moved.status = 'running' THEN :now END,
                finished_at = CASE WHEN moved.status = 'skipped' THEN :now END,
                version = push.version + 1
            FROM unnest(
                CAST(:ids AS text[]), CAST(:statuses AS text[]), CAST(:dues AS timestamptz[]),
                CAST(:reasons AS text[]), CAST(:priorities AS text[])
            ) AS moved(push_id, status, due_at, reason, priority), t_tasks AS task
            WHERE push.push_id = moved.push_id AND task.task_id = push.task_id
            RETURNING push.push_id, push.version
            """  # noqa: S608 - our own words only
        ),
        {
            "ids": [push.push_id for push in pushes],
            "statuses": [push.status for push in pushes],
            "dues": [push.due_at for push in pushes],
            "reasons": [push.reason for push in pushes],
            "priorities": [push.priority for push in pushes],
            "now": now,
        },
    )
    versions = {row.push_id: row.version for row in rows}
    begun = [push for push in pushes if push.status == PushStatus.RUNNING]
    push_results.enter(connection, [(one.push_id, one.tenant_id, one.groups) for one in begun])
    changes = [
        _began(push, now, before=PushStatus.HELD, sequence=versions[push.push_id])
        for push in pushes
    ]
    tell(connection, changes, now=now)


def let_go(connection: sa.Connection, task_id: str, reason: str, *, now: datetime) -> None:
    """Skip what waits of a locked task: it is paused, deleted, or its time is another."""
    query = f"""
        UPDATE t_pushes SET status = 'skipped', reason = :reason, finished_at = :now,
            version = version + 1
        WHERE task_id = :task_id AND status = 'held' RETURNING {_COLUMNS}
    """  # noqa: S608 - our own words only
    rows = connection.execute(
        sa.text(query), {"task_id": task_id, "reason": reason, "now": now}
    ).all()
    changes = [_left_out(_push(row), reason, now) for row in rows]
    if changes:
        tell(connection, changes, now=now)


def tasks_of(connection: sa.Connection, push_ids: Collection[str]) -> dict[str, str]:
    """Return the task of each push."""
    query = "SELECT push_id, task_id FROM t_pushes WHERE push_id = ANY(:ids)"
    rows = connection.execute(sa.text(query), {"ids": list(push_ids)})
    return {row.push_id: row.task_id for row in rows}


def lock_running(connection: sa.Connection, push_ids: Collection[str]) -> list[Push]:
    """Return those under way, locked in the order of their ids; their tasks are locked."""
    query = f"""
        SELECT {_COLUMNS} FROM t_pushes WHERE push_id = ANY(:ids) AND status = 'running'
        ORDER BY push_id FOR UPDATE
    """  # noqa: S608 - our own words only
    rows = connection.execute(sa.text(query), {"ids": sorted(set(push_ids))})
    return [_push(row) for row in rows]


def running_of(connection: sa.Connection, task_ids: Collection[str]) -> list[str]:
    """Return the pushes of tasks that are under way."""
    query = "SELECT push_id FROM t_pushes WHERE task_id = ANY(:ids) AND status = 'running'"
    return list(connection.execute(sa.text(query), {"ids": list(task_ids)}).scalars())


def end(
    connection: sa.Connection, ended: Sequence[Ended], *, nothing_sent: str, now: datetime
) -> None:
    """End pushes; ``nothing_sent``: why, of which no group had an error (CF-41)."""
    reasons = [None if one.counts.succeeded else one.error or nothing_sent for one in ended]
    statuses = [_status_of(one.counts) for one in ended]
    connection.execute(
        sa.text(
            """
            UPDATE t_pushes AS push
            SET status = ended.status, reason = ended.reason, finished_at = :now,
                version = push.version + 1
            FROM unnest(
                CAST(:ids AS text[]), CAST(:statuses AS text[]), CAST(:reasons AS text[])
            ) AS ended(push_id, status, reason)
            WHERE push.push_id = ended.push_id
            """
        ),
        {
            "ids": [one.push.push_id for one in ended],
            "statuses": statuses,
            "reasons": reasons,
            "now": now,
        },
    )
    changes = [
        PushChanged(
            push_id=one.push.push_id,
            task_id=one.push.task_id,
            from_status=PushStatus.RUNNING,
            to_status=status,
            sequence=one.push.version + 1,
            occurrence_at=one.push.occurrence,
            due_at=one.push.due_at,
            groups=one.counts.all,
            reason=reason,
            updated_at=now,
            tenant_id=one.push.tenant_id,
        )
        for one, status, reason in zip(ended, statuses, reasons, strict=True)
    ]
    tell(connection, changes, now=now)


def heard(connection: sa.Connection, pushes: Sequence[Push], *, now: datetime) -> None:
    """Note that locked pushes make progress (IM-60)."""
    query = "UPDATE t_pushes SET moved_at = :now WHERE push_id = ANY(:ids)"
    ids = [push.push_id for push in pushes]
    connection.execute(sa.text(query), {"ids": ids, "now": now})


def _status_of(counts: Counts) -> PushStatus:
    if counts.was_stopped:
        return PushStatus.SKIPPED
    return PushStatus.COMPLETED if counts.succeeded else PushStatus.FAILED


def _push(row: Any) -> Push:  # noqa: ANN401 - a row of the columns above
    return Push(
        push_id=row.push_id,
        task_id=row.task_id,
        tenant_id=row.tenant_id,
        occurrence=row.occurrence_time,
        due_at=row.due_at,
        version=row.version,
        returns_to=None if row.returns_to is None else TaskStatus(row.returns_to),
    )


def _began(
    push: NewPush, now: datetime, *, before: PushStatus | None = None, sequence: int = 1
) -> PushChanged:
    return PushChanged(
        push_id=push.push_id,
        task_id=push.task_id,
        from_status=before,
        to_status=PushStatus(push.status),
        sequence=sequence,
        occurrence_at=push.occurrence,
        due_at=push.due_at,
        groups=len(push.groups),
        reason=push.reason,
        changed_by=push.started_by,
        updated_at=now,
        tenant_id=push.tenant_id,
    )


def _left_out(push: Push, reason: str, now: datetime) -> PushChanged:
    return PushChanged(
        push_id=push.push_id,
        task_id=push.task_id,
        from_status=PushStatus.HELD,
        to_status=PushStatus.SKIPPED,
        sequence=push.version,
        occurrence_at=push.occurrence,
        due_at=push.due_at,
        groups=0,
        reason=reason,
        updated_at=now,
        tenant_id=push.tenant_id,
    )
