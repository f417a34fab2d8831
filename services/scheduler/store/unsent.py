"""How many rows of each job were never sent: moved with the rows, so that nobody counts those."""

from collections.abc import Mapping

import sqlalchemy as sa

from domain.identity import JobId
from domain.job_rows import Unsent


def add(connection: sa.Connection, more: Mapping[JobId, Unsent]) -> None:
    """Add to the jobs' counters; last of a transaction's locks, after the rows."""
    ordered = sorted(job_id for job_id, unsent in more.items() if unsent != Unsent())  # no deadlock
    if not ordered:
        return
    connection.execute(
        sa.text(
            """
            INSERT INTO job_unsent AS known (job_id, skipped, cancelled, recalled)
            SELECT * FROM unnest(
                CAST(:job_ids AS text[]), CAST(:skipped AS integer[]),
                CAST(:cancelled AS integer[]), CAST(:recalled AS integer[])
            )
            ON CONFLICT (job_id) DO UPDATE SET skipped = known.skipped + excluded.skipped,
                cancelled = known.cancelled + excluded.cancelled,
                recalled = known.recalled + excluded.recalled
            """
        ),
        {
            "job_ids": ordered,
            "skipped": [more[job_id].skipped for job_id in ordered],
            "cancelled": [more[job_id].cancelled for job_id in ordered],
            "recalled": [more[job_id].recalled for job_id in ordered],
        },
    )
