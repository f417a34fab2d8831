"""Changes of jobs that `task-changes` may not have heard of yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from domain.identity import JobId
from schemas.topics.task_changes import JobStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One step of one job."""

    job_id: JobId
    number: int
    """1, 2, 3 … within the job."""
    from_status: JobStatus | None
    to_status: JobStatus
    reason: str | None
    changed_at: datetime
    total: int
    tenant_id: str | None


def next_of_each(connection: sa.Connection, *, limit: int) -> list[Change]:
    """Return each job's first change that is not told yet, oldest first, locked.

    SKIP LOCKED and one a job: a scheduler does not tell the second while another tells the first.
    """
    rows = connection.execute(
        sa.text(
            """
            SELECT change.job_id, number, from_status, to_status, reason, changed_at, total,
                tenant_id
            FROM job_changes AS change JOIN jobs USING (job_id)
            WHERE NOT EXISTS (
                SELECT 1 FROM job_changes AS earlier
                WHERE earlier.job_id = change.job_id AND earlier.number < change.number
            )
            ORDER BY changed_at LIMIT :limit FOR UPDATE OF change SKIP LOCKED
            """
        ),
        {"limit": limit},
    )
    return [
        Change(
            job_id=row.job_id,
            number=row.number,
            from_status=None if row.from_status is None else JobStatus(row.from_status),
            to_status=JobStatus(row.to_status),
            reason=row.reason,
            changed_at=row.changed_at,
            total=row.total,
            tenant_id=row.tenant_id,
        )
        for row in rows
    ]


def forget(connection: sa.Connection, told: Sequence[Change]) -> None:
    """Delete locked changes that the broker has."""
    connection.execute(
        sa.text(
            """
            DELETE FROM job_changes WHERE (job_id, number) IN (
                SELECT * FROM unnest(CAST(:job_ids AS text[]), CAST(:numbers AS integer[]))
            )
            """
        ),
        {
            "job_ids": [change.job_id for change in told],
            "numbers": [change.number for change in told],
        },
    )
