"""Timed push tasks: stored, locked, changed, moved; every step told and logged (TP-05…TP-12)."""

from dataclasses import replace
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from domain.tasks import LogValue, TaskStatus, changes_of
from runtime.callers import Caller
from runtime.vault import Vault
from schemas.topics.task_changes import TaskChanged
from services.scheduler.store import task_logs
from services.scheduler.store.task_changes import tell
from services.scheduler.store.task_logs import Changes, LogAction
from services.scheduler.store.task_rows import WITH_CONTENT, Task, columns_of, tasks_of

__all__ = ["Task", "change", "delete", "insert", "lock", "log_move", "move", "of", "purge"]

_JSON: Final = frozenset({"content_miniprogram", "groups", "preview_recipients", "sending_hours"})


def of(connection: sa.Connection, vault: Vault, task_id: str, caller: Caller) -> Task | None:
    """Return the task; None where the caller has no such task."""
    return _task(connection, vault, task_id, caller.tenant_id)


def lock(connection: sa.Connection, vault: Vault, task_id: str, tenant: str | None) -> Task | None:
    """Return the task, locked; None where the tenant has no such task. Tenant None: anybody's."""
    return _task(connection, vault, task_id, tenant, "FOR UPDATE")


def insert(connection: sa.Connection, vault: Vault, task: Task, log: Changes, *, by: str) -> None:
    """Store a new task; ``log``: what stands in its first entry."""
    columns = columns_of(connection, vault, task.plan, task.tenant_id)
    connection.execute(
        sa.text(
            f"""
            INSERT INTO t_tasks (
                task_id, tenant_id, creator_id, status, version, next_at, created_at, updated_at,
                {", ".join(columns)}
            ) VALUES (
                :task_id, :tenant_id, :creator_id, :status, :version, :next_at, :created_at,
                :created_at, {", ".join(map(_placed, columns))}
            )
            """  # noqa: S608 - our own words only
        ),
        {
            "task_id": task.task_id,
            "tenant_id": task.tenant_id,
            "creator_id": task.creator_id,
            "status": task.status,
            "version": task.version,
            "next_at": task.next_at,
            "created_at": task.created_at,
            **columns,
        },
    )
    now = task.created_at
    _log(connection, vault, task, LogAction.CREATE, log, by=by, now=now)
    _tell(connection, task, before=None, by=by)


def change(
    connection: sa.Connection, vault: Vault, task: Task, edited: Task, *, by: str, now: datetime
) -> Task:
    """Give the locked task the plan, state and times of an edited one; returns what it is now."""
    columns = columns_of(connection, vault, edited.plan, task.tenant_id)
    sets = ", ".join(f"{column} = {_placed(column)}" for column in columns)
    version = connection.execute(
        sa.text(
            f"""
            UPDATE t_tasks SET {sets}, status = :status, version = version + 1,
                next_at = :next_at, resume_at = :resume_at, updated_at = :now,
                reminded_for = CASE WHEN preview_recipients = CAST(:preview_recipients AS jsonb)
                    THEN reminded_for END
            WHERE task_id = :task_id RETURNING version
            """  # noqa: S608 - the same
        ),
        {
            "task_id": task.task_id,
            "status": edited.status,
            "next_at": edited.next_at,
            "resume_at": edited.resume_at,
            "now": now,
            **columns,
        },
    ).scalar_one()
    changed = replace(edited, version=version, updated_at=now)
    log = changes_of(task.plan, changed.plan) | _moved(task, changed)
    _log(connection, vault, task, LogAction.UPDATE, log, by=by, now=now)
    _tell(connection, changed, before=task.status, by=by)
    return changed


def move(  # noqa: PLR0913 - a move is all of these
    connection: sa.Connection,
    task: Task,
    to_status: TaskStatus,
    *,
    now: datetime,
    reason: str | None = None,
    by: str | None = None,
    next_at: datetime | None = None,
    resume_at: datetime | None = None,
) -> Task:
    """Give the locked task another state; returns what it is now. Who logs it calls `log_move`.

    ``reason``: why it failed or stays paused; it is kept until there is another (CF-30).
    """
    row = connection.execute(
        sa.text(
            """
            UPDATE t_tasks SET status = :status, version = version + 1, next_at = :next_at,
                resume_at = :resume_at, updated_at = :now,
                last_error = coalesce(:reason, last_error)
            WHERE task_id = :task_id RETURNING version, last_error
            """
        ),
        {
            "task_id": task.task_id,
            "status": to_status,
            "next_at": next_at,
            "resume_at": resume_at,
            "reason": reason,
            "now": now,
        },
    ).one()
    moved = replace(
        task,
        status=to_status,
        version=row.version,
        next_at=next_at,
        resume_at=resume_at,
        last_error=row.last_error,
        updated_at=now,
    )
    _tell(connection, moved, before=task.status, by=by, reason=reason)
    return moved


def log_move(
    connection: sa.Connection, before: Task, after: Task, action: LogAction, *, by: str | None
) -> None:
    """Enter a pause or a resumption in the task's log; ``by`` None: it went on by itself."""
    was, becomes = _iso(before.resume_at), _iso(after.resume_at)
    resumes: dict[str, tuple[LogValue, LogValue]] = (
        {} if was == becomes else {"resumeAt": (was, becomes)}
    )
    log = _moved(before, after) | resumes
    task_logs.note(connection, after.task_id, action, log, by=by, now=after.updated_at)


def delete(connection: sa.Connection, task: Task, *, by: str, now: datetime) -> None:
    """Make the locked task invisible to everybody but its log (CF-31)."""
    version = connection.execute(
        sa.text(
            """
            UPDATE t_tasks SET deleted_at = :now, updated_at = :now, version = version + 1,
                next_at = NULL, resume_at = NULL
            WHERE task_id = :task_id RETURNING version
            """
        ),
        {"task_id": task.task_id, "now": now},
    ).scalar_one()
    task_logs.note(connection, task.task_id, LogAction.DELETE, {}, by=by, now=now)
    gone = replace(task, version=version, next_at=None, updated_at=now)
    _tell(connection, gone, before=task.status, by=by, deleted=True)


def purge(connection: sa.Connection, *, before: datetime, limit: int) -> int:
    """Delete tasks that were deleted before then, with all that hangs on them; returns how many."""
    gone = connection.execute(
        sa.text(
            """
            SELECT task_id FROM t_tasks WHERE deleted_at < :before
            ORDER BY deleted_at LIMIT :limit FOR UPDATE SKIP LOCKED
            """
        ),
        {"before": before, "limit": limit},
    ).scalars()
    task_ids = list(gone)
    for statement in _PURGE:
        connection.execute(statement, {"task_ids": task_ids})
    return len(task_ids)


_PURGE: Final = [
    sa.text(statement)
    for statement in (
        """
        DELETE FROM t_preview_responses WHERE preview_id IN (
            SELECT preview_id FROM t_previews WHERE task_id = ANY(CAST(:task_ids AS text[]))
        )
        """,
        "DELETE FROM t_previews WHERE task_id = ANY(CAST(:task_ids AS text[]))",
        "DELETE FROM t_feedback WHERE task_id = ANY(CAST(:task_ids AS text[]))",
        "DELETE FROM t_task_logs WHERE task_id = ANY(CAST(:task_ids AS text[]))",
        "DELETE FROM t_tasks WHERE task_id = ANY(CAST(:task_ids AS text[]))",
    )
]


def _task(
    connection: sa.Connection, vault: Vault, task_id: str, tenant: str | None, how: str = ""
) -> Task | None:
    if "\x00" in task_id:  # in no text of PostgreSQL's
        return None
    rows = connection.execute(
        sa.text(
            f"""
            SELECT {WITH_CONTENT} FROM t_tasks WHERE task_id = :task_id AND deleted_at IS NULL
                AND (CAST(:tenant AS text) IS NULL OR tenant_id = :tenant) {how}
            """  # noqa: S608 - the same
        ),
        {"task_id": task_id, "tenant": tenant},
    )
    return next(iter(tasks_of(connection, vault, map(dict, rows.mappings()))), None)


def _log(  # noqa: PLR0913 - what an entry is
    connection: sa.Connection,
    vault: Vault,
    task: Task,
    action: LogAction,
    changes: Changes,
    *,
    by: str,
    now: datetime,
) -> None:
    """Enter what was changed of a task's plan: of its content sealed."""
    said = {field: change for field, change in changes.items() if task_logs.is_of_content(field)}
    others = {field: change for field, change in changes.items() if field not in said}
    sealed = task_logs.seal(connection, vault, task.tenant_id, said) if said else None
    task_logs.note(connection, task.task_id, action, others, sealed=sealed, by=by, now=now)


def _placed(column: str) -> str:
    return f"CAST(:{column} AS jsonb)" if column in _JSON else f":{column}"


def _moved(before: Task, after: Task) -> dict[str, tuple[LogValue, LogValue]]:
    return {} if before.status is after.status else {"status": (before.status, after.status)}


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _tell(
    connection: sa.Connection,
    task: Task,
    *,
    before: TaskStatus | None,
    by: str | None,
    reason: str | None = None,
    deleted: bool = False,
) -> None:
    told = TaskChanged(
        task_id=task.task_id,
        from_status=before,
        to_status=task.status,
        sequence=task.version,
        deleted=deleted,
        name=task.plan.name,
        next_at=task.next_at,
        reason=reason,
        changed_by=by,
        updated_at=task.updated_at,
        tenant_id=task.tenant_id,
    )
    tell(connection, [told], now=task.updated_at)
