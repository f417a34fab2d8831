"""What is asked of group sends: how far they are, what became of each customer (GS-07, GS-08).

Nothing here locks or writes, and nothing counts results: counters are kept. Of a group send that
nobody told of on `task-changes`, its messages tell: whose it is, when it began, how far it is.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from services.status_projector.group_sends import ResultStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSend:
    """A group send, and how many of its customers are how far."""

    task_id: int
    tenant_id: str | None
    status: str
    targets: int
    success: int
    failed: int
    scheduled_at: datetime | None
    created_at: datetime
    updated_at: datetime
    reason: str | None


_SENDS: Final = """
    SELECT task_id, coalesce(s.tenant_id, m.tenant_id) AS tenant_id,
        coalesce(s.status, CASE
            WHEN p.processing = 0 AND p.success + p.failed = 0 THEN 'PENDING'
            WHEN p.pending + p.processing > 0 THEN 'PROCESSING'
            WHEN p.failed = 0 THEN 'COMPLETED'
            WHEN p.success = 0 THEN 'FAILED'
            ELSE 'PARTIAL_SUCCESS' END) AS status,
        coalesce(s.targets, p.pending + p.processing + p.success + p.failed) AS targets,
        coalesce(p.success, 0) AS success, coalesce(p.failed, 0) AS failed,
        s.due_at AS scheduled_at,
        coalesce(h.updated_at, m.sent_at, s.updated_at, p.updated_at) AS created_at,
        greatest(s.updated_at, p.updated_at) AS updated_at, s.reason
    FROM group_send_states s FULL JOIN group_send_progress p USING (task_id)
    LEFT JOIN task_status_history h
        ON h.kind = 'group_send' AND h.id = CAST(task_id AS text) AND h.sequence = 1
    LEFT JOIN LATERAL (
        SELECT tenant_id, sent_at FROM messages
        WHERE s.task_id IS NULL AND job_id = CAST(task_id AS text) ORDER BY sent_at, id LIMIT 1
    ) m ON true
"""
"""The words of an outcome follow from its results where nobody told them (CF-02)."""
_ONE = sa.text(f"SELECT * FROM ({_SENDS}) g WHERE task_id = :task_id")  # noqa: S608 - our own words only
_NAMELESS: Final = "CAST(:name AS text) IS NULL"
_WHICH: Final = f"""
    FROM ({_SENDS}) g
    WHERE {_NAMELESS} AND (CAST(:tenant_id AS text) IS NULL OR tenant_id = :tenant_id)
        AND (CAST(:status AS text) IS NULL OR status = :status)
        AND (CAST(:since AS timestamptz) IS NULL OR created_at >= :since)
        AND (CAST(:until AS timestamptz) IS NULL OR created_at <= :until)
"""
_COUNT = sa.text(f"SELECT count(*) {_WHICH}")


def _page(order: str) -> sa.TextClause:
    return sa.text(
        f"SELECT * {_WHICH} ORDER BY created_at {order}, task_id {order} LIMIT :limit OFFSET :skip"
    )


_NEWEST_FIRST, _OLDEST_FIRST = _page("DESC"), _page("ASC")


@dataclass(frozen=True, slots=True, kw_only=True)
class SendsWish:
    """Which group sends are wanted."""

    tenant_id: str | None
    """None: everybody's."""
    status: str | None
    name: str | None
    """None of them has one: with a name nothing is found."""
    since: datetime | None
    until: datetime | None
    newest_first: bool


def count(connection: sa.Connection, wish: SendsWish) -> int:
    """Return how many there are."""
    return connection.execute(_COUNT, _values(wish)).scalar_one()


def page(connection: sa.Connection, wish: SendsWish, *, skip: int, limit: int) -> list[GroupSend]:
    """Return some of them, in the wanted order."""
    statement = _NEWEST_FIRST if wish.newest_first else _OLDEST_FIRST
    rows = connection.execute(statement, {**_values(wish), "skip": skip, "limit": limit})
    return [GroupSend(**row) for row in rows.mappings()]


def _values(wish: SendsWish) -> dict[str, Any]:
    return {
        "tenant_id": wish.tenant_id,
        "status": wish.status,
        "name": wish.name or None,
        "since": wish.since,
        "until": wish.until,
    }


def group_send(connection: sa.Connection, task_id: int) -> GroupSend | None:
    """Return a group send; None where there is none."""
    row = connection.execute(_ONE, {"task_id": task_id}).mappings().first()
    return None if row is None else GroupSend(**row)


@dataclass(frozen=True, slots=True)
class First:
    """Its first message: all say the same, each to some of the customers."""

    message_id: str
    sender_id: str
    person: bytes
    sealed: bytes | None


_FIRST = sa.text(
    """
    SELECT message_id, sender_id, person, sealed FROM messages
    WHERE job_id = :job_id ORDER BY sent_at, id LIMIT 1
    """
)


def first_message(connection: sa.Connection, task_id: int) -> First | None:
    """Return it; None while nothing of the group send was handed over."""
    row = connection.execute(_FIRST, {"job_id": str(task_id)}).first()
    if row is None:
        return None
    sealed = None if row.sealed is None else bytes(row.sealed)
    return First(row.message_id, row.sender_id, bytes(row.person), sealed)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one customer."""

    id: int
    customer_id: int
    status: ResultStatus
    error: str | None


_OUTCOMES = sa.text(
    """
    SELECT id, customer_id, status, error_message FROM t_group_send_result
    WHERE task_id = :task_id AND id > :after
        AND (CAST(:statuses AS text[]) IS NULL OR status = ANY(:statuses))
    ORDER BY id LIMIT :limit
    """
)
_STORED: Final = {
    "PENDING": [ResultStatus.PENDING, ResultStatus.PROCESSING],
    "SUCCESS": [ResultStatus.SUCCESS],
    "FAILED": [ResultStatus.FAILED],
}
"""By the words that people are told."""


def outcomes(
    connection: sa.Connection, task_id: int, status: str | None, *, after: int, limit: int
) -> list[Outcome]:
    """Return customers behind a row, in the order of their rows."""
    values = {
        "task_id": task_id,
        "after": after,
        "statuses": None if status is None else _STORED[status],
        "limit": limit,
    }
    rows = connection.execute(_OUTCOMES, values)
    return [Outcome(row[0], row[1], ResultStatus(row[2]), row[3]) for row in rows]
