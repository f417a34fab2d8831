"""``/api/tasks``: timed push tasks, planned, changed, shown (TP-05…TP-12, IM-44)."""

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Final

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from pydantic import BaseModel

from domain.recurrence import upcoming
from domain.task_rules import Problem, Wrong, timing_problems
from domain.tasks import ScheduleType, Timing
from runtime.auth import Caller, Guard, Permission
from runtime.clock import Clock
from runtime.errors import NotFound, WrongFields
from runtime.postgres import in_thread
from runtime.vault import Vault
from schemas.http.tasks import (
    BatchBody,
    BatchDone,
    LogShown,
    Occurrences,
    OccurrencesBody,
    OccurrencesQuery,
    ScheduleBody,
    TaskBody,
    TaskChange,
    TaskCreated,
    TaskDeleted,
    TaskShown,
    TaskUpdated,
)
from services.scheduler.idempotency import once
from services.scheduler.routes.asking import AskingRoute, body_of, documented
from services.scheduler.routes.body import IdempotencyKey, key_for
from services.scheduler.store import task_logs, tasks
from services.scheduler.store.keys import Answer
from services.scheduler.timed import batch, editing
from services.scheduler.timed.editing import NO_TASK, Hand
from services.scheduler.timed.forms import Forms
from services.scheduler.timed.planning import refuse, timing_of
from services.scheduler.timed.showing import log_shown, shown

LONGEST_LOG: Final = 1_000
"""Entries that are shown, the newest."""

_ETAG: Final = re.compile(r'(?:W/)?"(\d{1,9})"')

IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", max_length=100, description="The `ETag` that the change is made of."),
]


@dataclass(frozen=True, slots=True)
class Desk:
    """What the routes work with."""

    engine: sa.Engine
    vault: Vault
    guard: Guard
    clock: Clock
    zone: str
    """Where nobody names one (CF-29)."""
    forms: Forms | None = None

    def hand(self, caller: Caller) -> Hand:
        """Return who acts now."""
        return Hand(caller, self.vault, self.clock(), self.zone, self.forms)


def router(desk: Desk) -> APIRouter:
    """Return the routes; those whose path could be an id's come first."""
    routes = APIRouter(tags=["tasks"], route_class=AskingRoute)
    _add_creating(routes, desk)
    _add_occurrences(routes, desk)
    _add_one(routes, desk)
    return routes


def _add_creating(routes: APIRouter, desk: Desk) -> None:
    editor = Depends(desk.guard.needs(Permission.TASKS_EDIT))

    @routes.post(
        "/api/tasks",
        status_code=HTTPStatus.CREATED,
        summary="Plan a task",
        openapi_extra=documented(TaskBody),
    )
    async def create_task(
        request: Request,
        caller: Annotated[Caller, editor],
        idempotency_key: IdempotencyKey = None,
    ) -> TaskCreated:
        body = await body_of(request, TaskBody)
        key = key_for("POST /api/tasks", caller, idempotency_key, body)
        hand = desk.hand(caller)

        def work(connection: sa.Connection) -> Answer:
            return once(connection, key, lambda: _created(connection, body, hand), now=hand.now)

        return TaskCreated.model_validate(await in_thread(desk.engine, work))

    @routes.post(
        "/api/tasks/batch",
        summary="Do one thing to many tasks",
        openapi_extra=documented(BatchBody),
    )
    async def change_many(
        request: Request,
        caller: Annotated[Caller, editor],
        idempotency_key: IdempotencyKey = None,
    ) -> BatchDone:
        body = await body_of(request, BatchBody, told="Invalid request")
        key = key_for("POST /api/tasks/batch", caller, idempotency_key, body)
        hand = desk.hand(caller)

        def work(connection: sa.Connection) -> Answer:
            return once(
                connection, key, lambda: _plain(batch.run(connection, body, hand)), now=hand.now
            )

        return BatchDone.model_validate(await in_thread(desk.engine, work))


def _add_occurrences(routes: APIRouter, desk: Desk) -> None:
    viewer = Depends(desk.guard.needs(Permission.TASKS_VIEW))

    @routes.post(
        "/api/tasks/occurrences",
        summary="The next times of a schedule that is not saved yet",
        openapi_extra=documented(OccurrencesBody),
        dependencies=[viewer],
    )
    async def preview_occurrences(request: Request) -> Occurrences:
        body = await body_of(request, OccurrencesBody)
        timing = _timing(body.schedule, desk.zone)
        # A first time in the past is no mistake here: what is asked for is what comes.
        return Occurrences(
            occurrences=upcoming(timing.schedule, after=desk.clock(), count=body.count)
        )

    @routes.get("/api/tasks/{taskId}/occurrences", summary="The next times of a task")
    async def task_occurrences(
        task_id: Annotated[str, Path(alias="taskId")],
        asked: Annotated[OccurrencesQuery, Query()],
        caller: Annotated[Caller, viewer],
    ) -> Occurrences:
        task = await in_thread(desk.engine, lambda c: _known(c, desk.vault, task_id, caller))
        timing = task.plan.timing
        return Occurrences(
            occurrences=upcoming(timing.schedule, after=desk.clock(), count=asked.count)
        )


def _add_one(routes: APIRouter, desk: Desk) -> None:
    editor = Depends(desk.guard.needs(Permission.TASKS_EDIT))
    viewer = Depends(desk.guard.needs(Permission.TASKS_VIEW))

    @routes.get("/api/tasks/{taskId}", summary="A task")
    async def one_task(
        task_id: Annotated[str, Path(alias="taskId")],
        response: Response,
        caller: Annotated[Caller, viewer],
    ) -> TaskShown:
        task = await in_thread(desk.engine, lambda c: _known(c, desk.vault, task_id, caller))
        response.headers["ETag"] = _etag(task.version)
        return shown(task)

    @routes.put(
        "/api/tasks/{taskId}", summary="Change a task", openapi_extra=documented(TaskChange)
    )
    async def change_task(
        task_id: Annotated[str, Path(alias="taskId")],
        request: Request,
        response: Response,
        caller: Annotated[Caller, editor],
        if_match: IfMatch = None,
    ) -> TaskUpdated:
        body = await body_of(request, TaskChange)
        version = body.version if if_match is None else _version(if_match)
        hand = desk.hand(caller)
        changed = await in_thread(
            desk.engine, lambda c: editing.edit(c, task_id, body, hand, version=version)
        )
        response.headers["ETag"] = _etag(changed.version)
        return TaskUpdated(task_id=task_id)

    @routes.delete("/api/tasks/{taskId}", summary="Delete a draft, or a paused task")
    async def delete_task(
        task_id: Annotated[str, Path(alias="taskId")], caller: Annotated[Caller, editor]
    ) -> TaskDeleted:
        hand = desk.hand(caller)
        await in_thread(desk.engine, lambda c: editing.delete(c, task_id, hand))
        return TaskDeleted()

    @routes.get("/api/tasks/{taskId}/logs", summary="Who did what to this task, the newest first")
    async def task_log(
        task_id: Annotated[str, Path(alias="taskId")], caller: Annotated[Caller, viewer]
    ) -> list[LogShown]:
        def look(connection: sa.Connection) -> list[LogShown]:
            _known(connection, desk.vault, task_id, caller)
            entries = task_logs.of_task(connection, desk.vault, task_id, limit=LONGEST_LOG)
            return [log_shown(entry) for entry in entries]

        return await in_thread(desk.engine, look)


def _created(connection: sa.Connection, body: TaskBody, hand: Hand) -> Answer:
    task = editing.create(connection, body, hand)
    return _plain(TaskCreated(task_id=task.task_id))


def _known(connection: sa.Connection, vault: Vault, task_id: str, caller: Caller) -> tasks.Task:
    task = tasks.of(connection, vault, task_id, caller)
    if task is None:
        raise NotFound(NO_TASK)
    return task


def _timing(given: ScheduleBody, zone: str) -> Timing:
    if given.time is None:
        raise WrongFields("Invalid input", [("schedule.time", "is required")])
    blank = Timing(type=ScheduleType.ONCE, time=given.time, timezone=zone)
    timing = timing_of(blank, given)
    missing = [] if given.type else [Problem("schedule.type", Wrong.REQUIRED, "is required")]
    refuse([*missing, *timing_problems(timing)])
    return timing


def _plain(answer: BaseModel) -> Answer:
    return answer.model_dump(mode="json", by_alias=True)


def _etag(version: int) -> str:
    return f'"{version}"'


def _version(if_match: str) -> int | None:
    """Return the version that was named, None for any. Raises `WrongFields`."""
    if if_match.strip() == "*":
        return None
    named = _ETAG.fullmatch(if_match.strip())
    if named is None:
        raise WrongFields("Invalid input", [("If-Match", "must be an ETag of this task")])
    return int(named[1])
