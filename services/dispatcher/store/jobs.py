"""What the dispatcher asks the scheduler's tables: which runs are not to go on."""

from collections.abc import Mapping, Sequence
from typing import Final

import sqlalchemy as sa

JOB_CANCELLED: Final = "the job was cancelled"
PUSH_STOPPED: Final = "the push was stopped"

_CANCELLED: Final = sa.text(
    """
    SELECT job_id AS id, CAST(:cancelled AS text) AS why FROM jobs
    WHERE job_id = ANY(:ids) AND status = 'cancelled'
    UNION ALL
    SELECT push.push_id, :stopped FROM t_pushes AS push JOIN t_tasks AS task USING (task_id)
    WHERE push.push_id = ANY(:ids) AND (task.status = 'paused' OR task.deleted_at IS NOT NULL)
    """
)
"""A push that somebody starts by hand lets its task run: a task that is paused while one is under
way was paused after it began."""


def cancelled(connection: sa.Connection, run_ids: Sequence[str]) -> Mapping[str, str]:
    """Return which of these jobs and pushes are not wanted any more, and why (IM-18, IM-23).

    The scheduler's own tables are asked: from the moment it is committed, no call begins.
    """
    if not run_ids:
        return {}
    values = {"ids": list(run_ids), "cancelled": JOB_CANCELLED, "stopped": PUSH_STOPPED}
    return {row.id: row.why for row in connection.execute(_CANCELLED, values)}
