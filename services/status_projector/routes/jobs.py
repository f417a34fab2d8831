"""How far a job is (BJ-03, BJ-05, CF-20)."""

from datetime import datetime
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Path

from runtime.auth import Caller, Guard, Permission
from runtime.clock import Clock
from runtime.errors import NotFound
from runtime.postgres import in_thread
from runtime.vault import Vault
from schemas.http.trail import JobCounts, JobFailure, JobProgress, JobProgressAnswer
from services.status_projector.store import queries
from services.status_projector.store.queries import Job, Unreached

MOST_FAILURES = 1_000
ENDED = frozenset({"completed", "cancelled", "failed"})


def routes(engine: sa.Engine, vault: Vault, guard: Guard, clock: Clock) -> APIRouter:
    """Return the endpoints of the bulk job family that ask."""
    router = APIRouter(prefix="/api/whatsapp", tags=["jobs"])

    @router.get("/job-progress/{jobId}", summary="How far is this job?")
    async def job_progress(
        job_id: Annotated[str, Path(alias="jobId")],
        caller: Annotated[Caller, Depends(guard.needs(Permission.JOBS_VIEW))],
    ) -> JobProgressAnswer:
        def look(connection: sa.Connection) -> tuple[Job | None, list[JobFailure]]:
            job = queries.job(connection, job_id)
            if job is None or job.status not in ENDED:
                return job, []
            rows = queries.failures_of(connection, vault, job_id, MOST_FAILURES)
            return job, [_failure(row) for row in rows]

        job, failures = await in_thread(engine, look)
        if job is None or not caller.may_see(job.tenant_id):
            raise NotFound("Job not found")
        return JobProgressAnswer(progress=progress_of(job, failures, clock()))

    return router


def progress_of(job: Job, failures: list[JobFailure], now: datetime) -> JobProgress:
    """Return a job's progress. The time left follows from the rate so far; unknown at first."""
    counts = _counts(job)
    success = counts.sent + counts.delivered + counts.read
    failed = counts.failed + counts.skipped
    processed = success + failed + counts.cancelled
    remaining = None
    if job.started_at is not None and processed:
        elapsed = ((job.finished_at or now) - job.started_at).total_seconds()
        remaining = round(elapsed / processed * (job.total - processed), 1)
    return JobProgress(
        job_id=job.job_id,
        status=job.status,
        total=job.total,
        processed=processed,
        success_count=success,
        failed_count=failed,
        percent=round(100 * processed / job.total, 1) if job.total else 100.0,
        estimated_remaining_seconds=remaining,
        paused_reason=job.paused_reason,
        started_at=job.started_at,
        finished_at=job.finished_at,
        counts=counts,
        failures=failures,
    )


def _counts(job: Job) -> JobCounts:
    known = sum(job.by_status.values()) + sum(job.unsent.values())
    # A row that is not projected yet waits as well, in the scheduler or in Kafka.
    waiting = job.total - known
    return JobCounts(
        pending=job.by_status["pending"] + waiting,
        sending=job.by_status["sending"],
        sent=job.by_status["sent"],
        delivered=job.by_status["delivered"],
        read=job.by_status["read"],
        failed=job.by_status["failed"],
        skipped=job.unsent.get("skipped", 0),
        cancelled=job.unsent.get("cancelled", 0),
    )


def _failure(one: Unreached) -> JobFailure:
    return JobFailure(
        worker_id=one.who.variables.get("workerId", str(one.row)),
        name=one.who.variables.get("name", ""),
        phone=one.who.recipient,
        error=one.error or "",
    )
