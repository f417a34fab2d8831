"""Which jobs there are, how far they are, and how they got there (BJ-03, BJ-05, CF-20, IM-24)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Final, TypeVar

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response

from runtime import exports
from runtime.audit import Action
from runtime.auth import Caller, Guard, Permission
from runtime.clock import Clock
from runtime.csv_answers import AT_ONCE, IS_FILE, csv_answer, wants_csv
from runtime.errors import NotFound
from runtime.postgres import in_thread
from runtime.vault import Vault
from schemas.http.asking import Order
from schemas.http.envelope import Envelope
from schemas.http.runs import (
    JobAnswer,
    JobHistoryAnswer,
    JobsPage,
    JobsQuery,
    JobView,
    ResultState,
    Step,
)
from schemas.http.trail import JobFailure, JobProgressAnswer
from services.status_projector import cursors
from services.status_projector.progress import ENDED, progress_of
from services.status_projector.store import jobs, runs
from services.status_projector.store.jobs import Job, JobsWish, Result

T = TypeVar("T")

MOST_FAILURES: Final = 1_000
UNREACHED: Final = (ResultState.FAILED, ResultState.SKIPPED)
COLUMNS: Final = (
    *("jobId", "name", "channel", "senderId", "priority", "createdAt"),
    *(f"progress.{name}" for name in ("status", "total", "processed", "successCount")),
    *(f"progress.{name}" for name in ("failedCount", "percent", "startedAt", "finishedAt")),
)
Look = Callable[[sa.Connection, Job], T]


def routes(engine: sa.Engine, vault: Vault, guard: Guard, clock: Clock) -> APIRouter:
    """Return the endpoints that ask about jobs."""
    router = APIRouter(tags=["jobs"])
    permitted = Depends(guard.needs(Permission.JOBS_VIEW))

    async def of_job(job_id: str, caller: Caller, look: Look[T]) -> T:
        """Look at a job of the caller's. Raises `NotFound`."""
        return await in_thread(engine, lambda c: look(c, visible(c, job_id, caller)))

    @router.get("/api/whatsapp/job-progress/{jobId}", summary="How far is this job?")
    async def job_progress(
        job_id: Annotated[str, Path(alias="jobId")], caller: Annotated[Caller, permitted]
    ) -> JobProgressAnswer:
        def look(connection: sa.Connection, job: Job) -> list[JobFailure]:
            if job.status not in ENDED:
                return []
            rows = jobs.results(connection, vault, job_id, UNREACHED, limit=MOST_FAILURES)
            return [_failure(row) for row in rows]

        job, failures = await of_job(job_id, caller, lambda c, job: (job, look(c, job)))
        return JobProgressAnswer(progress=progress_of(job, failures, clock()))

    @router.get(
        "/api/v1/jobs",
        summary="Which jobs are there? (IM-24)",
        response_model=Envelope[JobsPage],
        responses=IS_FILE,
    )
    async def list_jobs(
        request: Request,
        asked: Annotated[JobsQuery, Query()],
        caller: Annotated[Caller, permitted],
    ) -> Response | Envelope[JobsPage]:
        """Return a page; with ``Accept: text/csv`` all pages from there on, as a file."""
        wish = _wish(asked, caller)
        if wants_csv(request):
            await exports.note(engine, caller, Action.LIST_EXPORT, "jobs", asked)
            return _file(engine, wish, clock)
        found = await in_thread(engine, lambda c: jobs.page(c, wish))
        return Envelope(data=_page(found, asked.limit, clock))

    @router.get("/api/v1/jobs/{jobId}", summary="One job, and how far it is")
    async def one_job(
        job_id: Annotated[str, Path(alias="jobId")], caller: Annotated[Caller, permitted]
    ) -> JobAnswer:
        job = await of_job(job_id, caller, lambda _, job: job)
        return JobAnswer(job=_view(job, clock))

    @router.get("/api/v1/jobs/{jobId}/history", summary="How did this job get there?")
    async def job_history(
        job_id: Annotated[str, Path(alias="jobId")], caller: Annotated[Caller, permitted]
    ) -> JobHistoryAnswer:
        steps = await of_job(job_id, caller, lambda c, _: runs.history(c, "job", job_id))
        return JobHistoryAnswer(history=[Step.model_validate(step) for step in steps])

    return router


def _page(found: list[Job], limit: int, clock: Clock) -> JobsPage:
    shown = found[:limit]
    last = cursors.cursor(shown[-1].created_at, shown[-1].job_id) if shown else None
    return JobsPage(
        items=[_view(job, clock) for job in shown],
        next_cursor=last.written() if last and len(found) > limit else None,
    )


def _file(engine: sa.Engine, wish: JobsWish, clock: Clock) -> Response:
    def read(
        connection: sa.Connection, behind: cursors.Cursor[str] | None
    ) -> tuple[list[JobView], cursors.Cursor[str] | None]:
        found = jobs.page(connection, replace(wish, after=behind, limit=AT_ONCE))
        last = found[-1] if len(found) == AT_ONCE else None
        return [_view(job, clock) for job in found], (
            None if last is None else cursors.cursor(last.created_at, last.job_id)
        )

    return csv_answer("jobs", COLUMNS, engine, read, wish.after)


def visible(connection: sa.Connection, job_id: str, caller: Caller) -> Job:
    """Return a job of the caller's. Raises `NotFound`."""
    job = jobs.job(connection, job_id)
    if job is None or not caller.may_see(job.tenant_id):
        raise NotFound("Job not found")
    return job


def _wish(asked: JobsQuery, caller: Caller) -> JobsWish:
    return JobsWish(
        tenant_id=caller.tenant_id,
        status=asked.status,
        since=asked.since,
        before=asked.until,
        newest_first=asked.order is Order.DESC,
        after=cursors.named("cursor", asked.cursor),
        limit=asked.limit + 1,
    )


def _view(job: Job, clock: Clock) -> JobView:
    return JobView(
        job_id=job.job_id,
        name=job.name,
        channel=job.channel,
        sender_id=job.sender_id,
        priority=job.priority,
        created_at=job.created_at,
        progress=progress_of(job, [], clock()),
    )


def _failure(result: Result) -> JobFailure:
    who = result.who
    variables = {} if who is None else who.variables
    return JobFailure(
        worker_id=variables.get("workerId", str(result.row)),
        name=variables.get("name", ""),
        phone="" if who is None else who.recipient,
        error=result.error or "",
    )
