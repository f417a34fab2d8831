"""What became of each job's last messages, and whether its breaker has tripped (IM-55)."""

from collections.abc import Collection, Mapping
from datetime import datetime

import sqlalchemy as sa

from domain.breaker import Outcomes
from domain.identity import JobId


def add(
    connection: sa.Connection, more: Mapping[JobId, Outcomes], *, now: datetime
) -> dict[JobId, Outcomes]:
    """Add to the jobs' present windows; returns them, locked until the transaction ends."""
    rows = connection.execute(
        sa.text(
            """
            INSERT INTO job_outcomes AS known (job_id, reached, failed, heard_at)
            SELECT job_id, reached, failed, :now FROM unnest(
                CAST(:job_ids AS text[]), CAST(:reached AS integer[]), CAST(:failed AS integer[])
            ) AS more (job_id, reached, failed)
            ON CONFLICT (job_id) DO UPDATE SET reached = known.reached + excluded.reached,
                failed = known.failed + excluded.failed, heard_at = excluded.heard_at
            RETURNING job_id, reached, failed
            """
        ),
        # Sorted, so that two schedulers lock in the same order.
        {
            "job_ids": sorted(more),
            "reached": [more[job_id].reached for job_id in sorted(more)],
            "failed": [more[job_id].failed for job_id in sorted(more)],
            "now": now,
        },
    )
    return {row.job_id: Outcomes(row.reached, row.failed) for row in rows}


def begin_window(connection: sa.Connection, job_ids: Collection[JobId]) -> None:
    """Begin the next window of the locked jobs."""
    connection.execute(
        sa.text("UPDATE job_outcomes SET reached = 0, failed = 0 WHERE job_id = ANY(:job_ids)"),
        {"job_ids": list(job_ids)},
    )


def trip(connection: sa.Connection, reasons: Mapping[JobId, str]) -> None:
    """Note that the locked jobs are to be paused, and why; the first reason stays."""
    connection.execute(
        sa.text(
            """
            UPDATE job_outcomes AS known SET tripped = given.reason
            FROM unnest(CAST(:job_ids AS text[]), CAST(:reasons AS text[]))
                AS given (job_id, reason)
            WHERE known.job_id = given.job_id AND known.tripped IS NULL
            """
        ),
        {"job_ids": list(reasons), "reasons": list(reasons.values())},
    )


def start_anew(connection: sa.Connection, job_id: JobId, *, now: datetime) -> None:
    """Forget what became of the job's messages so far: it is resumed."""
    connection.execute(
        sa.text(
            """
            INSERT INTO job_outcomes (job_id, reached, failed, heard_at)
            VALUES (:job_id, 0, 0, :now)
            ON CONFLICT (job_id) DO UPDATE SET reached = 0, failed = 0, tripped = NULL,
                heard_at = excluded.heard_at
            """
        ),
        {"job_id": job_id, "now": now},
    )
