"""What is asked of jobs: where they stand, how they got there, what became of each recipient.

Nothing here locks or writes, and nothing counts rows: counters are kept.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from domain.throughput import Throughput
from runtime.vault import Vault
from schemas.http.runs import ResultState
from schemas.sealed import JOB_ITEMS, JobRow
from services.status_projector.cursors import Cursor

_NUL = "\x00"
"""PostgreSQL keeps it in no text and refuses to look for it."""
STATUSES: Final = ("pending", "sending", "sent", "delivered", "read", "failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """How far a job is, or a push, as its scheduler and its messages tell of it."""

    job_id: str
    """What its messages carry as `jobId`."""
    tenant_id: str | None
    status: str
    total: int
    paused_reason: str | None
    started_at: datetime | None
    finished_at: datetime | None
    by_status: Mapping[str, int]
    """Messages by status: the projector's counters."""
    skipped: int
    """Rows that were never sent: the scheduler's counters."""
    cancelled: int
    recalled: int
    """Of the cancelled ones those that have a message, which failed."""
    throughput: Throughput


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(Counted):
    """A job."""

    name: str | None
    channel: str
    sender_id: str
    priority: str
    created_at: datetime


_COLUMNS = """
    j.job_id, j.tenant_id, j.name, j.channel, j.sender_id, j.priority, j.status, j.total,
    j.paused_reason, j.created_at, j.started_at, j.finished_at,
    p.pending, p.sending, p.sent, p.delivered, p.read, p.failed,
    p.recent, p.recent_since, p.recent_at, u.skipped, u.cancelled, u.recalled
    FROM jobs j LEFT JOIN job_progress p USING (job_id) LEFT JOIN job_unsent u USING (job_id)
"""
_BY_ID = sa.text(f"SELECT {_COLUMNS} WHERE j.job_id = ANY(:job_ids)")


def job(connection: sa.Connection, job_id: str) -> Job | None:
    """Return a job with its counters; None when there is no such job."""
    return jobs_of(connection, [job_id]).get(job_id)


def jobs_of(connection: sa.Connection, job_ids: Collection[str]) -> dict[str, Job]:
    """Return those of these jobs that there are, with their counters."""
    possible = [job_id for job_id in job_ids if _NUL not in job_id]
    rows = connection.execute(_BY_ID, {"job_ids": possible})
    return {row.job_id: _job(row) for row in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobsWish:
    """Which jobs are wanted, newest or oldest first."""

    tenant_id: str | None
    """None: everybody's."""
    status: str | None
    since: datetime | None
    before: datetime | None
    newest_first: bool
    after: Cursor[str] | None
    limit: int


def _page(order: str, beyond: str) -> sa.TextClause:
    return sa.text(
        f"""
        SELECT {_COLUMNS}
        WHERE (CAST(:tenant_id AS text) IS NULL OR j.tenant_id = :tenant_id)
            AND (CAST(:status AS text) IS NULL OR j.status = :status)
            AND (CAST(:since AS timestamptz) IS NULL OR j.created_at >= :since)
            AND (CAST(:before AS timestamptz) IS NULL OR j.created_at < :before)
            AND (CAST(:at AS timestamptz) IS NULL OR (j.created_at, j.job_id) {beyond} (:at, :id))
        ORDER BY j.created_at {order}, j.job_id {order} LIMIT :limit
        """
    )


_NEWEST_FIRST, _OLDEST_FIRST = _page("DESC", "<"), _page("ASC", ">")


def page(connection: sa.Connection, wish: JobsWish) -> list[Job]:
    """Return the wanted jobs behind the cursor."""
    rows = connection.execute(
        _NEWEST_FIRST if wish.newest_first else _OLDEST_FIRST,
        {
            "tenant_id": wish.tenant_id,
            "status": wish.status,
            "since": wish.since,
            "before": wish.before,
            "at": None if wish.after is None else wish.after.at,
            "id": None if wish.after is None else wish.after.id,
            "limit": wish.limit,
        },
    )
    return [_job(row) for row in rows]


def _job(row: Any) -> Job:  # noqa: ANN401 - a row of _COLUMNS
    found = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for it
    return Job(
        **{name: found[name] for name in _AS_STORED},
        by_status={status: found[status] or 0 for status in STATUSES},
        skipped=row.skipped or 0,
        cancelled=row.cancelled or 0,
        recalled=row.recalled or 0,
        throughput=Throughput(row.recent or 0.0, row.recent_since, row.recent_at),
    )


_AS_STORED: Final = (
    "job_id",
    "tenant_id",
    "name",
    "channel",
    "sender_id",
    "priority",
    "status",
    "total",
    "paused_reason",
    "created_at",
    "started_at",
    "finished_at",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One recipient of a job, and what became of their message."""

    row: int
    message_id: str
    who: JobRow | None
    """None of somebody who was erased."""
    state: str
    error_code: str | None
    error: str | None
    sent_at: datetime | None
    delivered_at: datetime | None
    read_at: datetime | None
    failed_at: datetime | None


_IN_STATE: Final[Mapping[ResultState, str]] = {
    ResultState.PENDING: "(i.state = 'waiting' OR i.state = 'fed') AND"
    " coalesce(m.delivery_status, 'pending') = 'pending'",
    ResultState.SENDING: "(i.state = 'waiting' OR i.state = 'fed') AND"
    " m.delivery_status = 'sending'",
    ResultState.SENT: "i.state <> 'cancelled' AND m.delivery_status = 'sent'",
    ResultState.DELIVERED: "i.state <> 'cancelled' AND m.delivery_status = 'delivered'",
    ResultState.READ: "i.state <> 'cancelled' AND m.delivery_status = 'read'",
    # The scheduler hears of a failure a moment later; until then its row is in the stream.
    ResultState.FAILED: "(i.state = 'failed' OR i.state = 'fed') AND m.delivery_status = 'failed'",
    ResultState.SKIPPED: "i.state = 'skipped'",
    ResultState.CANCELLED: "i.state = 'cancelled'",
}
"""Each reads the rows that may be meant by an index of `job_items`, where there is a small one."""


def _results(states: Sequence[ResultState]) -> sa.TextClause:
    wanted = " OR ".join(f"({_IN_STATE[state]})" for state in states) or "true"
    return sa.text(
        f"""
        SELECT i.row, i.message_id, i.person, i.sealed,
               CASE WHEN i.state IN ('skipped', 'cancelled') THEN i.state
                    ELSE coalesce(m.delivery_status, 'pending') END AS state,
               CASE WHEN i.state IN ('skipped', 'cancelled') THEN i.error_code
                    ELSE m.error_code END AS error_code,
               CASE WHEN i.state IN ('skipped', 'cancelled')
                    THEN coalesce(i.error_detail, i.error_code)
                    ELSE m.error_message END AS error,
               m.sent_at, m.delivered_at, m.read_at, m.failed_at
        FROM job_items i LEFT JOIN messages m USING (message_id)
        WHERE i.job_id = :job_id AND i.row > :after AND ({wanted})
        ORDER BY i.row LIMIT :limit
        """  # noqa: S608 - our own words only
    )


def results(
    connection: sa.Connection,
    vault: Vault,
    job_id: str,
    states: Sequence[ResultState] = (),
    *,
    after: int = 0,
    limit: int,
) -> list[Result]:
    """Return recipients in these states, in any without one, in the order of the job's rows."""
    values = {"job_id": job_id, "after": after, "limit": limit}
    rows = connection.execute(_results(states), values).all()
    keys = vault.keyring(connection, {bytes(row.person) for row in rows if row.person is not None})
    found: list[Result] = []
    for row in rows:
        plain = (
            None
            if row.person is None
            else keys.open(bytes(row.person), bytes(row.sealed), place=JOB_ITEMS)
        )
        found.append(
            Result(
                row=row.row,
                message_id=row.message_id,
                who=None if plain is None else JobRow.unpacked(plain),
                state=row.state,
                error_code=row.error_code,
                error=row.error,
                sent_at=row.sent_at,
                delivered_at=row.delivered_at,
                read_at=row.read_at,
                failed_at=row.failed_at,
            )
        )
    return found
