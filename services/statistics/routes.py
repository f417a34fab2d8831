"""The HTTP face: live figures per minute, per hour and of all time."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from runtime.auth import Caller, Guard, Permission
from runtime.clock import Clock
from runtime.errors import Forbidden, InvalidInput, NotFound
from schemas.http.asking import Moment
from schemas.http.envelope import Envelope
from schemas.http.statistics import LiveStatistics
from services.statistics.answers import Question, answer
from services.statistics.counting import Dimension, Entry, Place, Window

Entries = Callable[[], Iterable[tuple[Place, Entry]]]
"""Returns all entries; raises `TryAgainLater` while they are not whole."""


Owns = Callable[[str, str], Awaitable[bool]]
"""Whether the job is the tenant's: job and tenant."""


def routes(entries: Entries, guard: Guard, owns: Owns, clock: Clock) -> APIRouter:
    """Return the routes over these entries."""
    router = APIRouter(tags=["statistics"])

    @router.get(
        "/api/v1/statistics/live",
        summary="Messages that reached each status, failures and durations",
    )
    async def live_statistics(
        caller: Annotated[Caller, Depends(guard.needs(Permission.STATISTICS_VIEW))],
        window: Window,
        by: Dimension,
        id_: Annotated[str | None, Query(alias="id", max_length=100)] = None,
        from_: Annotated[Moment | None, Query(alias="from")] = None,
        to: Annotated[Moment | None, Query()] = None,
    ) -> Envelope[list[LiveStatistics]]:
        """Windows whose start lies in [from, to): minutes for 2 hours, hours for 48, totals.

        Senders and channels serve all tenants: a tenant's callers ask for their jobs.
        """
        await _admit(caller, by, id_, owns)
        question = Question(window, by, id_, from_, to, now=clock())
        _check(question)
        return Envelope(data=answer(question, entries()))

    return router


async def _admit(caller: Caller, by: Dimension, id_: str | None, owns: Owns) -> None:
    if caller.tenant_id is None:
        return
    if by is not Dimension.JOB or id_ is None:
        raise Forbidden("figures of all tenants: ask for a job of yours (by=job&id=)")
    if not await owns(id_, caller.tenant_id):
        raise NotFound("Job not found")


def _check(question: Question) -> None:
    if question.window is Window.TOTAL and question.since is not None:
        raise InvalidInput("from", "a total has no time range")
    if question.window is Window.TOTAL and question.before is not None:
        raise InvalidInput("to", "a total has no time range")
    if question.since and question.before and question.before < question.since:
        raise InvalidInput("to", "lies before 'from'")
