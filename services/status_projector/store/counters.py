"""The counters of jobs, pushes and group sends: they move in the transaction of the statuses."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from domain.lifecycle import Status
from domain.throughput import Throughput, ended

ENDED = (Status.SENT, Status.DELIVERED, Status.READ, Status.FAILED)
"""A message that has come so far keeps no job waiting any more."""

_COUNT = sa.text(
    """
    INSERT INTO job_progress AS p
        (job_id, pending, sending, sent, delivered, read, failed, updated_at)
    SELECT job_id, pending, sending, sent, delivered, read, failed, :now
    FROM unnest(CAST(:jobs AS text[]), CAST(:pending AS int[]), CAST(:sending AS int[]),
                CAST(:sent AS int[]), CAST(:delivered AS int[]), CAST(:read AS int[]),
                CAST(:failed AS int[]))
         AS c(job_id, pending, sending, sent, delivered, read, failed)
    ORDER BY job_id
    ON CONFLICT (job_id) DO UPDATE
    SET pending = p.pending + EXCLUDED.pending, sending = p.sending + EXCLUDED.sending,
        sent = p.sent + EXCLUDED.sent, delivered = p.delivered + EXCLUDED.delivered,
        read = p.read + EXCLUDED.read, failed = p.failed + EXCLUDED.failed, updated_at = :now
    RETURNING job_id, recent, recent_since, recent_at
    """
)
_MEASURE = sa.text(
    """
    UPDATE job_progress p
    SET recent = t.recent, recent_since = t.since, recent_at = t.at
    FROM unnest(CAST(:jobs AS text[]), CAST(:recent AS float8[]), CAST(:since AS timestamptz[]),
                CAST(:at AS timestamptz[])) AS t(job_id, recent, since, at)
    WHERE p.job_id = t.job_id
    """
)


def count_jobs(
    connection: sa.Connection, jobs: Mapping[str, Counter[Status]], now: datetime
) -> None:
    """Move the jobs' counters; last of the batch, because these rows are the hottest."""
    columns = {status.value: [by[status] for by in jobs.values()] for status in Status}
    rows = connection.execute(_COUNT, {"jobs": list(jobs), **columns, "now": now})
    before = {row.job_id: Throughput(row.recent, row.recent_since, row.recent_at) for row in rows}
    ends = {job_id: sum(by[status] for status in ENDED) for job_id, by in jobs.items()}
    after = {job_id: ended(before[job_id], ends[job_id], now) for job_id in jobs if ends[job_id]}
    if after:
        connection.execute(
            _MEASURE,
            {
                "jobs": list(after),
                "recent": [one.recent for one in after.values()],
                "since": [one.since for one in after.values()],
                "at": [one.at for one in after.values()],
            },
        )
