"""What became of pushes, as people are told of it (NF-02)."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

_NO_REASON: Final = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A push that is over."""

    push_id: str
    task_id: str
    is_success: bool
    """Whether at least one group was sent to (CF-41)."""
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


def of(connection: sa.Connection, push_ids: Collection[str]) -> list[Ended]:
    """Return what became of these pushes, those that are over."""
    ids = {"ids": sorted(push_ids)}
    groups = connection.execute(
        sa.text(
            """
            SELECT push_id, status, error, count(*) AS groups FROM t_push_results
            WHERE push_id = ANY(:ids) GROUP BY push_id, status, error ORDER BY push_id
            """
        ),
        ids,
    )
    sent: defaultdict[str, int] = defaultdict(int)
    reasons: defaultdict[str, dict[str, int]] = defaultdict(dict[str, int])
    for row in groups:
        if row.status == "sent":
            sent[row.push_id] += row.groups
        else:
            of_push, reason = reasons[row.push_id], row.error or _NO_REASON
            of_push[reason] = of_push.get(reason, 0) + row.groups
    pushes = connection.execute(
        sa.text(
            """
            SELECT push_id, task_id, status, reason, coalesce(occurrence_time, due_at) AS at
            FROM t_pushes WHERE push_id = ANY(:ids) AND status IN ('completed', 'failed')
            """
        ),
        ids,
    )
    return [
        Ended(
            push_id=row.push_id,
            task_id=row.task_id,
            is_success=row.status == "completed",
            at=row.at,
            reason=row.reason,
            sent=sent[row.push_id],
            reasons=reasons[row.push_id],
        )
        for row in pushes
    ]
