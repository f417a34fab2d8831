"""What waits for the service's works: one look at the ends of small indexes."""

from datetime import datetime
from enum import StrEnum, auto

import sqlalchemy as sa

from services.scheduler.store.due_tasks import ANYTHING_DUE


class Waiting(StrEnum):
    """What there is to do."""

    SENDS = auto()
    """Timed sends whose time has come."""
    JOBS = auto()
    """Jobs that are not finished."""
    JOB_CHANGES = auto()
    """Steps of jobs that nobody was told of."""
    TASKS = auto()
    """Tasks and pushes whose time has come."""
    PUSHES = auto()
    """Pushes with groups that the broker does not have."""
    TASK_CHANGES = auto()
    """Steps of tasks and pushes that nobody was told of."""


_LOOK = sa.text(
    f"""
    SELECT
        (
            SELECT due_at FROM accepted_sends
            WHERE published_at IS NULL AND due_at IS NOT NULL AND due_at <= :sends_now
            ORDER BY due_at LIMIT 1
        ) IS NOT NULL AS sends,
        (
            SELECT created_at FROM jobs WHERE status IN ('pending', 'running', 'paused')
            ORDER BY created_at LIMIT 1
        ) IS NOT NULL AS jobs,
        EXISTS (SELECT 1 FROM job_changes) AS job_changes,
        ({ANYTHING_DUE}) AS tasks,
        (
            SELECT due_at FROM t_pushes WHERE status = 'running' AND published_at IS NULL
            ORDER BY due_at LIMIT 1
        ) IS NOT NULL AS pushes,
        EXISTS (SELECT 1 FROM task_changes_to_tell) AS task_changes
    """  # noqa: S608 - our own words only
)
"""The first by an index's order, not EXISTS: that may be any row, and where many wait and as many
are done with, PostgreSQL expects to meet one soon and reads the whole table when there is none."""


def look(connection: sa.Connection, *, sends_now: datetime, now: datetime) -> set[Waiting]:
    """Return what there is to do; ``now``: by the clock of tasks, the database's."""
    found = connection.execute(_LOOK, {"sends_now": sends_now, "now": now}).mappings().one()
    return {one for one in Waiting if found[one]}
