"""What the dispatcher asks the scheduler's table of jobs."""

from collections.abc import Sequence

import sqlalchemy as sa


def cancelled(connection: sa.Connection, job_ids: Sequence[str]) -> set[str]:
    """Return which of these jobs the scheduler has cancelled (IM-23).

    Its own table is asked: from the moment it is committed, no call begins.
    """
    if not job_ids:
        return set()
    rows = connection.execute(
        sa.text("SELECT job_id FROM jobs WHERE job_id = ANY(:ids) AND status = 'cancelled'"),
        {"ids": list(job_ids)},
    )
    return {row.job_id for row in rows}
