"""What people may do to a job that is under way (BJ-04, BJ-06, IM-23, IM-55).

Each takes the job's lock, so a step of feeding ends before it, and none begins before it is done.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from domain.identity import JobId
from domain.job_rows import Unsent
from runtime import audit
from runtime.audit import Action
from runtime.auth import Caller
from runtime.errors import NotFound
from schemas.http.jobs import JobOutcome
from schemas.topics.task_changes import JobStatus
from services.scheduler.store import jobs, outcomes, rows, unsent
from services.scheduler.store.jobs import Move, Standing

BY_HAND: Final = "paused by hand"

_FINISHED: Final = {
    JobStatus.COMPLETED: "Job has already completed",
    JobStatus.CANCELLED: "Job was already cancelled",
    JobStatus.FAILED: "Job has already failed",
}


def cancel(
    connection: sa.Connection, job_id: JobId, caller: Caller, *, now: datetime
) -> JobOutcome:
    """Cancel what is not in the stream; what is there ends, or is refused by the dispatcher."""
    job = _lock(connection, job_id, caller)
    if job.status in _FINISHED:
        return JobOutcome(success=False, message=_FINISHED[job.status])
    move = Move(job_id, job.status, JobStatus.CANCELLED)
    jobs.move(connection, move, now=now)
    _note(connection, caller, Action.JOB_CANCEL, move, job)
    cancelled = rows.cancel_waiting(connection, job_id)
    unsent.add(connection, {job_id: Unsent(cancelled=cancelled)})
    return JobOutcome(success=True, message=f"Job cancelled, {cancelled} messages were not sent")


def pause(connection: sa.Connection, job_id: JobId, caller: Caller, *, now: datetime) -> JobOutcome:
    """Feed nothing more of the job until it is resumed; what is in the stream ends."""
    job = _lock(connection, job_id, caller)
    if job.status in _FINISHED:
        return JobOutcome(success=False, message=_FINISHED[job.status])
    if job.status is JobStatus.PAUSED:
        return JobOutcome(success=False, message="Job is already paused")
    move = Move(job_id, job.status, JobStatus.PAUSED, BY_HAND)
    jobs.move(connection, move, now=now)
    _note(connection, caller, Action.JOB_PAUSE, move, job)
    return JobOutcome(success=True, message="Job paused")


def resume(
    connection: sa.Connection, job_id: JobId, caller: Caller, *, now: datetime
) -> JobOutcome:
    """Feed the job again; its breaker counts anew."""
    job = _lock(connection, job_id, caller)
    if job.status in _FINISHED:
        return JobOutcome(success=False, message=_FINISHED[job.status])
    if job.status is not JobStatus.PAUSED:
        return JobOutcome(success=False, message="Job is not paused")
    move = Move(job_id, job.status, JobStatus.RUNNING if job.started else JobStatus.PENDING)
    jobs.move(connection, move, now=now)
    _note(connection, caller, Action.JOB_RESUME, move, job)
    outcomes.start_anew(connection, job_id, now=now)
    return JobOutcome(success=True, message="Job resumed")


def finished(connection: sa.Connection, job_id: JobId, caller: Caller) -> bool:
    """Return whether the job has ended. Raises `NotFound`."""
    return _lock(connection, job_id, caller).status in _FINISHED


def _note(
    connection: sa.Connection, caller: Caller, action: Action, move: Move, job: Standing
) -> None:
    changes = {"status": (move.before, move.to)}
    audit.note(connection, caller, action, move.job_id, changes, tenant_id=job.tenant_id)


def _lock(connection: sa.Connection, job_id: JobId, caller: Caller) -> Standing:
    job = jobs.lock(connection, job_id) if _is_possible(job_id) else None
    if job is None or not caller.may_see(job.tenant_id):
        raise NotFound("Job not found")
    return job


def _is_possible(job_id: str) -> bool:
    try:
        UUID(job_id)
    except ValueError:
        return False
    return True
