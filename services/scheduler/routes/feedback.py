"""``/api/feedback``: what people said about pushes, and what it adds up to (NF-05, NF-07)."""

import asyncio
from collections.abc import Iterator
from typing import Annotated, Final, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query, Response

from runtime import audit
from runtime.auth import Caller, Guard, Permission
from runtime.csv_stream import MEDIA_TYPE, Cell, stream_csv
from runtime.errors import NotFound
from runtime.postgres import in_thread
from runtime.vault import Vault
from schemas.http.asking import Moment
from schemas.http.notices import FeedbackList, FeedbackReport, FeedbackShown, FrequentWord
from services.scheduler.store import audience, feedback
from services.scheduler.store.feedback import Opinion, Reach
from services.scheduler.timed.opinions import most_frequent

MOST: Final = 1_000
"""Answers of one page."""
READ: Final = 10_000
"""Answers that a report reads, the latest; cutting them into words takes a second or two."""

TaskId = Annotated[str, Query(alias="taskId", min_length=1, max_length=64)]
_COLUMNS: Final = ("opinion", "count", "example 1", "example 2", "example 3")


def router(engine: sa.Engine, vault: Vault, guard: Guard) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/api/feedback", tags=["feedback"])
    viewer = Depends(guard.needs(Permission.TASKS_VIEW))
    # A report takes a thread for a while; another one waits for it.
    reading = asyncio.Semaphore(1)

    @routes.get("", summary="What was said about a task's pushes?")
    async def feedback_of(
        caller: Annotated[Caller, viewer],
        task_id: Annotated[str | None, Query(alias="taskId", min_length=1, max_length=64)] = None,
        since: Annotated[Moment | None, Query(alias="startTime")] = None,
        until: Annotated[Moment | None, Query(alias="endTime")] = None,
        page: Annotated[int, Query(ge=1, le=10_000)] = 1,
        limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
    ) -> FeedbackList:
        """Return answers, the latest first; with no task named, about all of them."""
        opinions, total = await in_thread(
            engine,
            lambda c: feedback.of(
                c,
                vault,
                task_id=task_id,
                tenant=caller.tenant_id,
                since=since,
                until=until,
                offset=(page - 1) * limit,
                limit=limit,
            ),
        )
        return FeedbackList(feedback=[_shown(each) for each in opinions], total=total)

    @routes.get(
        "/report",
        summary="How many answered, and what do they speak of?",
        response_model=FeedbackReport,
        responses={200: {"content": {MEDIA_TYPE.partition(";")[0]: {}}}},
    )
    async def feedback_report(
        task_id: TaskId,
        caller: Annotated[Caller, viewer],
        most: Annotated[int, Query(ge=1, le=100, alias="top")] = 20,
        form: Annotated[Literal["json", "csv"], Query(alias="format")] = "json",
    ) -> FeedbackReport | Response:
        """Return the report; as CSV its table of opinions."""
        async with reading:
            report = await in_thread(
                engine, lambda c: _report(c, vault, task_id, caller, most=most)
            )
        if form == "json":
            return report
        await in_thread(
            engine, lambda c: audit.note(c, caller, audit.Action.FEEDBACK_EXPORT, task_id)
        )
        return Response(
            b"".join(stream_csv(_COLUMNS, _rows(report))),
            media_type=MEDIA_TYPE,
            headers={"Content-Disposition": 'attachment; filename="feedback.csv"'},
        )

    return routes


def _report(
    connection: sa.Connection, vault: Vault, task_id: str, caller: Caller, *, most: int
) -> FeedbackReport:
    subject = audience.subjects(connection, [task_id]).get(task_id)
    if subject is None or not caller.may_see(subject.tenant_id):
        raise NotFound("Task not found")
    opinions, total = feedback.of(
        connection,
        vault,
        task_id=task_id,
        tenant=caller.tenant_id,
        since=None,
        until=None,
        limit=READ,
    )
    people = feedback.people_of(connection, task_id)
    reach = feedback.reach_of(connection, task_id)
    frequent = most_frequent((each.content for each in opinions), most=most)
    return FeedbackReport(
        task_id=task_id,
        pushes=reach.pushes,
        groups_reached=reach.groups,
        recipients_reached=reach.members,
        feedback_users=people,
        feedback_count=total,
        interaction_rate=_rate(people, reach),
        rate_per="group" if reach.members is None else "recipient",
        opinions=[
            FrequentWord(opinion=each.word, count=each.count, examples=each.examples)
            for each in frequent
        ],
        opinions_read=len(opinions),
    )


def _rate(people: int, reach: Reach) -> float | None:
    reached = reach.groups if reach.members is None else reach.members
    return round(people / reached, 4) if reached else None


def _rows(report: FeedbackReport) -> Iterator[list[Cell]]:
    for each in report.opinions:
        yield [each.opinion, each.count, *each.examples]


def _shown(opinion: Opinion) -> FeedbackShown:
    return FeedbackShown(
        feedback_id=opinion.feedback_id,
        task_id=opinion.task_id,
        user_id=opinion.user_id,
        content=opinion.content,
        timestamp=opinion.at,
    )
