"""Who did what to which task, and what changed from what to what (TP-12, TP-19)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import uuid4

import sqlalchemy as sa

from domain.tasks import LogValue
from runtime.vault import Vault
from services.scheduler.store import contents

OURSELVES: Final = "system"
"""Who did what nobody did by hand."""

CONTENT: Final = "content."
"""Begins the names of fields that are a part of what a task says."""

Changes = Mapping[str, tuple[LogValue, LogValue]]
"""By field: what it was, and what it is."""


class LogAction(StrEnum):
    """What was done; a copy is created from another (CF-31)."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    PAUSE = "pause"
    RESUME = "resume"


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One line of a task's log."""

    log_id: str
    task_id: str
    action: LogAction
    user_id: str
    changes: Mapping[str, Any]
    timestamp: datetime


def is_of_content(field: str) -> bool:
    """Tell whether a field is a part of what a task says: its changes are sealed."""
    return field.startswith(CONTENT)


def seal(connection: sa.Connection, vault: Vault, tenant_id: str | None, changes: Changes) -> bytes:
    """Return changes of a content sealed, for an entry of the log of a task of this tenant."""
    values = [(tenant_id, _shown(changes))]
    return contents.seal(connection, vault, values, place=contents.LOGS)[0]


def note(  # noqa: PLR0913 - what an entry is
    connection: sa.Connection,
    task_id: str,
    action: LogAction,
    changes: Changes,
    *,
    sealed: bytes | None = None,
    by: str | None,
    now: datetime,
) -> None:
    """Note it, in the transaction that does it; ``by`` None: we ourselves.

    ``sealed``: what else changed (`seal`).
    """
    connection.execute(
        sa.text(
            """
            INSERT INTO t_task_logs (log_id, task_id, action, user_id, changes, timestamp, sealed)
            VALUES (:log_id, :task_id, :action, :user_id, CAST(:changes AS jsonb), :now, :sealed)
            """
        ),
        {
            "log_id": str(uuid4()),
            "task_id": task_id,
            "action": action,
            "user_id": by or OURSELVES,
            "changes": json.dumps(_shown(changes)),
            "now": now,
            "sealed": sealed,
        },
    )


def of_task(connection: sa.Connection, vault: Vault, task_id: str, *, limit: int) -> list[LogEntry]:
    """Return the newest entries of a task, the newest first."""
    rows = connection.execute(
        sa.text(
            """
            SELECT log_id, task_id, action, user_id, changes, timestamp, sealed FROM t_task_logs
            WHERE task_id = :task_id ORDER BY timestamp DESC, log_id LIMIT :limit
            """
        ),
        {"task_id": task_id, "limit": limit},
    ).all()
    said = contents.read(
        connection, vault, ((None, row.sealed) for row in rows), place=contents.LOGS
    )
    return [
        LogEntry(
            row.log_id,
            row.task_id,
            LogAction(row.action),
            row.user_id,
            {**(row.changes or {}), **of_content},
            row.timestamp,
        )
        for row, of_content in zip(rows, said, strict=True)
    ]


def forget(connection: sa.Connection, *, before: datetime, limit: int) -> int:
    """Delete entries from before then; returns how many (SE-05)."""
    deleted = connection.execute(
        sa.text(
            """
            DELETE FROM t_task_logs WHERE ctid = ANY(ARRAY(
                SELECT ctid FROM t_task_logs WHERE timestamp < :before
                ORDER BY timestamp LIMIT :limit
            ))
            """
        ),
        {"before": before, "limit": limit},
    )
    return deleted.rowcount


def _shown(changes: Changes) -> dict[str, dict[str, LogValue]]:
    return {field: {"from": was, "to": becomes} for field, (was, becomes) in changes.items()}
