"""What the query API reads; nothing here locks or writes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from runtime.vault import Keyring, Vault
from schemas.sealed import JOB_ITEMS, JobRow

_NUL = "\x00"
"""PostgreSQL keeps it in no text and refuses to look for it."""

_STATUS = sa.text(
    """
    SELECT message_id, delivery_status AS status, sent_at, delivered_at, read_at, failed_at,
           error_code, error_message
    FROM messages
    WHERE message_id = :message_id
        AND (CAST(:tenant_id AS text) IS NULL OR tenant_id = :tenant_id)
    """
)
_ACCEPTED = sa.text(
    """
    SELECT message_id, 'pending' AS status, sent_at, NULL AS delivered_at, NULL AS read_at,
           NULL AS failed_at, NULL AS error_code, NULL AS error_message
    FROM accepted_sends
    WHERE message_id = :message_id
        AND (CAST(:tenant_id AS text) IS NULL OR tenant_id = :tenant_id)
    """
)


def status_of(
    connection: sa.Connection, message_id: str, tenant_id: str | None
) -> Mapping[str, Any] | None:
    """Return a message's row; what was accepted and not projected yet is pending.

    With a tenant, the others' messages do not exist.
    """
    if _NUL in message_id:
        return None
    for statement in (_STATUS, _ACCEPTED):
        row = (
            connection.execute(statement, {"message_id": message_id, "tenant_id": tenant_id})
            .mappings()
            .first()
        )
        if row is not None:
            return dict(row)
    return None


@dataclass(frozen=True, slots=True)
class Job:
    """A job as its scheduler and its messages tell of it."""

    job_id: str
    tenant_id: str | None
    status: str
    total: int
    paused_reason: str | None
    started_at: datetime | None
    finished_at: datetime | None
    by_status: Mapping[str, int]
    """Messages by status: from the projector's counters."""
    unsent: Mapping[str, int]
    """Rows that were never sent: skipped, cancelled."""


_JOB = sa.text(
    """
    SELECT j.job_id, j.tenant_id, j.status, j.total, j.paused_reason, j.started_at, j.finished_at,
           p.pending, p.sending, p.sent, p.delivered, p.read, p.failed
    FROM jobs j LEFT JOIN job_progress p USING (job_id)
    WHERE j.job_id = :job_id
    """
)
_UNSENT = sa.text(
    """
    SELECT state, count(*) AS rows,
           count(error_code) FILTER (WHERE state = 'cancelled') AS recalled
    FROM job_items
    WHERE job_id = :job_id AND state IN ('skipped', 'cancelled') GROUP BY state
    """
)
_STATUSES = ("pending", "sending", "sent", "delivered", "read", "failed")


def job(connection: sa.Connection, job_id: str) -> Job | None:
    """Return a job with its counters; None when there is no such job."""
    if _NUL in job_id:
        return None
    row = connection.execute(_JOB, {"job_id": job_id}).mappings().first()
    if row is None:
        return None
    unsent = connection.execute(_UNSENT, {"job_id": job_id}).all()
    by_status = {status: row[status] or 0 for status in _STATUSES}
    # Refused in the stream because the job was cancelled: they have messages, which failed.
    by_status["failed"] = max(0, by_status["failed"] - sum(one.recalled for one in unsent))
    return Job(
        row["job_id"],
        row["tenant_id"],
        row["status"],
        row["total"],
        row["paused_reason"],
        row["started_at"],
        row["finished_at"],
        by_status,
        {one.state: one.rows for one in unsent},
    )


_FAILURES = sa.text(
    """
    SELECT i.row, i.person, i.sealed,
           coalesce(m.error_message, i.error_detail, i.error_code) AS error
    FROM job_items i LEFT JOIN messages m USING (message_id)
    WHERE i.job_id = :job_id AND i.state <> 'cancelled'
        AND (m.delivery_status = 'failed' OR i.state = 'skipped')
    ORDER BY i.row LIMIT :limit
    """
)


@dataclass(frozen=True, slots=True)
class Unreached:
    """A row of a job whose recipient was not reached."""

    row: int
    who: JobRow
    """Of somebody who was erased: nothing."""
    error: str | None


def failures_of(
    connection: sa.Connection, vault: Vault, job_id: str, limit: int
) -> list[Unreached]:
    """Return the recipients who were not reached, in the order of the job's rows."""
    rows = connection.execute(_FAILURES, {"job_id": job_id, "limit": limit}).all()
    keys = vault.keyring(connection, {bytes(row.person) for row in rows if row.person})
    return [Unreached(row.row, _who(keys, row), row.error) for row in rows]


def _who(keys: Keyring, row: sa.Row[tuple[object, ...]]) -> JobRow:
    plain = None
    if row.person is not None:
        plain = keys.open(bytes(row.person), bytes(row.sealed), place=JOB_ITEMS)
    return JobRow("", {}) if plain is None else JobRow.unpacked(plain)
