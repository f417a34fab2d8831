"""Pushes that are over, until people are told of them (NF-02)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import sqlalchemy as sa


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A push that is over."""

    push_id: str
    task_id: str
    status: Literal["completed", "failed", "skipped"]
    """Completed: at least one group was sent to (CF-41)."""
    at: datetime
    """When it was to begin."""
    reason: str | None
    sent: int
    reasons: Mapping[str, int]
    """How many groups got nothing, by the reason."""

    @property
    def failed(self) -> int:
        """How many groups got nothing."""
        return sum(self.reasons.values())


def claim_untold(connection: sa.Connection, *, now: datetime, limit: int) -> list[Ended]:
    """Return pushes that are over and that nobody was told of; from now on somebody was.

    SKIP LOCKED: each goes to one scheduler.
    """
    pushes = connection.execute(
        sa.text(
            """
            UPDATE t_pushes SET notified_at = :now WHERE push_id = ANY(ARRAY(
                SELECT push_id FROM t_pushes
                WHERE notified_at IS NULL AND finished_at IS NOT NULL
                ORDER BY finished_at LIMIT :limit FOR UPDATE SKIP LOCKED
            ))
            RETURNING push_id, task_id, status, reason, coalesce(occurrence_time, due_at) AS at
            """
        ),
        {"now": now, "limit": limit},
    ).all()
    sent, reasons = _groups(connection, [row.push_id for row in pushes])
    return [
        Ended(
            push_id=row.push_id,
            task_id=row.task_id,
            status=row.status,
            at=row.at,
            reason=row.reason,
            sent=sent[row.push_id],
            reasons=reasons[row.push_id],
        )
        for row in pushes
    ]


def _groups(
    connection: sa.Connection, push_ids: Sequence[str]
) -> tuple[Mapping[str, int], Mapping[str, Mapping[str, int]]]:
    """Return how many groups of each push were sent to, and how many were not for which reason.

    What somebody cancelled is neither: a pause is no failure (IM-18).
    """
    rows = connection.execute(
        sa.text(
            """
            SELECT push_id, status, error, count(*) AS groups FROM t_push_results
            WHERE push_id = ANY(:ids) AND status <> 'cancelled'
            GROUP BY push_id, status, error ORDER BY push_id
            """
        ),
        {"ids": list(push_ids)},
    )
    sent: defaultdict[str, int] = defaultdict(int)
    reasons: defaultdict[str, dict[str, int]] = defaultdict(dict[str, int])
    for row in rows:
        if row.status == "sent":
            sent[row.push_id] += row.groups
        else:
            reason = row.error or row.status
            reasons[row.push_id][reason] = reasons[row.push_id].get(reason, 0) + row.groups
    return sent, reasons
