"""Which transitions of a job have happened since the last one that was announced (CF-02)."""

from datetime import datetime

from schemas.topics.task_changes import JobChanged, JobStatus
from services.scheduler.store.jobs import Unannounced


def changes_of(job: Unannounced) -> list[JobChanged]:
    """Return the changes to announce, in order.

    They are derived from the row, so whoever announces again after a crash says the same.
    """
    reached = _path(job)
    known = -1 if job.announced is None else [status for status, _ in reached].index(job.announced)
    return [
        JobChanged(
            job_id=job.job_id,
            from_status=reached[place - 1][0] if place else None,
            to_status=status,
            total=job.total,
            updated_at=at,
            tenant_id=job.tenant_id,
        )
        for place, (status, at) in enumerate(reached)
        if place > known
    ]


def _path(job: Unannounced) -> list[tuple[JobStatus, datetime]]:
    path = [(JobStatus.PENDING, job.created_at)]
    if job.started_at is not None:
        path.append((JobStatus.RUNNING, job.started_at))
    if job.finished_at is not None:
        path.append((job.status, job.finished_at))
    return path
