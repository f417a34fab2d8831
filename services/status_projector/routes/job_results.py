"""What became of each recipient of a job, in pages and as a file (BJ-07, IM-44)."""

from typing import Annotated, Final

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import StreamingResponse

from runtime import exports
from runtime.audit import Action
from runtime.auth import Caller, Guard, Permission
from runtime.csv_answers import AT_ONCE, IS_FILE, csv_answer
from runtime.postgres import in_thread
from runtime.vault import Vault
from schemas.http.runs import JobResult, JobResultsAnswer, ResultsExport, ResultsQuery
from services.status_projector.routes.jobs import visible
from services.status_projector.store import jobs
from services.status_projector.store.jobs import Result

COLUMNS: Final = (
    "row",
    "messageId",
    "recipient",
    "name",
    "state",
    "errorCode",
    "error",
    "sentAt",
    "deliveredAt",
    "readAt",
    "failedAt",
)


def routes(engine: sa.Engine, vault: Vault, guard: Guard) -> APIRouter:
    """Return the endpoints that ask about the recipients of jobs."""
    router = APIRouter(prefix="/api/v1/jobs/{jobId}/results", tags=["jobs"])
    permitted = Depends(guard.needs(Permission.JOBS_VIEW))

    @router.get("", summary="What became of each recipient? (BJ-07)")
    async def job_results(
        job_id: Annotated[str, Path(alias="jobId")],
        asked: Annotated[ResultsQuery, Query()],
        caller: Annotated[Caller, permitted],
    ) -> JobResultsAnswer:
        def look(connection: sa.Connection) -> list[Result]:
            visible(connection, job_id, caller)
            most = asked.limit + 1
            return jobs.results(
                connection, vault, job_id, asked.state, after=asked.cursor, limit=most
            )

        found = await in_thread(engine, look)
        shown = found[: asked.limit]
        return JobResultsAnswer(
            items=[_result(row) for row in shown],
            next_cursor=str(shown[-1].row) if len(found) > asked.limit else None,
        )

    @router.get(
        "/export",
        summary="The same as a CSV file",
        response_class=StreamingResponse,
        responses=IS_FILE,
    )
    async def export_results(
        job_id: Annotated[str, Path(alias="jobId")],
        asked: Annotated[ResultsExport, Query()],
        caller: Annotated[Caller, permitted],
    ) -> StreamingResponse:
        """Return all recipients that are found: UTF-8 with a mark, and nothing that runs."""
        await in_thread(engine, lambda c: visible(c, job_id, caller))
        await exports.note(engine, caller, Action.JOB_RESULTS_EXPORT, job_id, asked)
        return _file(engine, vault, job_id, asked)

    return router


def _file(engine: sa.Engine, vault: Vault, job_id: str, asked: ResultsExport) -> StreamingResponse:
    def read(connection: sa.Connection, after: int | None) -> tuple[list[JobResult], int | None]:
        found = jobs.results(
            connection, vault, job_id, asked.state, after=after or 0, limit=AT_ONCE
        )
        return [_result(row) for row in found], found[-1].row if len(found) == AT_ONCE else None

    return csv_answer("results", COLUMNS, engine, read)


def _result(result: Result) -> JobResult:
    who = result.who
    return JobResult(
        row=result.row,
        message_id=result.message_id,
        recipient=None if who is None else who.recipient,
        name=None if who is None else who.variables.get("name"),
        state=result.state,
        error_code=result.error_code,
        error=result.error,
        sent_at=result.sent_at,
        delivered_at=result.delivered_at,
        read_at=result.read_at,
        failed_at=result.failed_at,
    )
