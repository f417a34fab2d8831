"""What became of timed push tasks and their pushes (TP-14, TP-16, IM-40)."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response, StreamingResponse

from domain.failures import ErrorCode
from domain.pushes import error_of_group
from runtime import exports
from runtime.audit import Action
from runtime.auth import Caller, Guard, Permission
from runtime.clock import Clock
from runtime.csv_answers import AT_ONCE, IS_FILE, csv_answer, wants_csv
from runtime.csv_stream import MEDIA_TYPE, stream_csv
from runtime.errors import NotFound
from runtime.postgres import in_thread
from schemas.http.runs import (
    FailedGroup,
    GroupResult,
    PushesPage,
    PushesQuery,
    PushResult,
    PushView,
    Step,
)
from services.status_projector import cursors
from services.status_projector.progress import progress_of
from services.status_projector.store import runs
from services.status_projector.store.runs import Group, Push

COLUMNS: Final = (
    *("pushId", "status", "occurrenceAt", "dueAt", "begunAt", "groups", "reason"),
    *("progress.successCount", "progress.failedCount", "progress.percent"),
)
GROUP_COLUMNS: Final = ("groupId", "status", "deliveredAt", "attempts", "error")


def routes(engine: sa.Engine, guard: Guard, clock: Clock) -> APIRouter:
    """Return the endpoints that ask about tasks."""
    router = APIRouter(tags=["tasks"])
    permitted = Depends(guard.needs(Permission.TASKS_VIEW))

    @router.get("/api/push/{pushId}", summary="What became of this push? (TP-16)")
    async def one_push(
        push_id: Annotated[str, Path(alias="pushId")], caller: Annotated[Caller, permitted]
    ) -> PushResult:
        def look(connection: sa.Connection) -> PushResult:
            push = _visible(connection, push_id, caller)
            return _outcome(push, runs.groups(connection, push_id), clock())

        return await in_thread(engine, look)

    @router.get("/api/push/{pushId}/history", summary="How did this push get where it is?")
    async def push_history(
        push_id: Annotated[str, Path(alias="pushId")], caller: Annotated[Caller, permitted]
    ) -> list[Step]:
        def look(connection: sa.Connection) -> list[Step]:
            return _steps(connection, "push", _visible(connection, push_id, caller).push_id)

        return await in_thread(engine, look)

    @router.get(
        "/api/push/{pushId}/export",
        summary="The groups of this push as a CSV file",
        response_class=StreamingResponse,
        responses={200: {"content": {"text/csv": {}}}},
    )
    async def push_export(
        push_id: Annotated[str, Path(alias="pushId")], caller: Annotated[Caller, permitted]
    ) -> StreamingResponse:
        groups = (await one_push(push_id, caller)).groups
        return StreamingResponse(
            stream_csv(GROUP_COLUMNS, (list(group.model_dump().values()) for group in groups)),
            media_type=MEDIA_TYPE,
            headers={"Content-Disposition": 'attachment; filename="groups.csv"'},
        )

    _add_runs(router, engine, permitted, clock)
    return router


def _add_runs(
    router: APIRouter,
    engine: sa.Engine,
    permitted: Any,  # noqa: ANN401 - what `Depends` returns
    clock: Clock,
) -> None:
    @router.get("/api/tasks/{taskId}/history", summary="How did this task get where it is?")
    async def task_history(
        task_id: Annotated[str, Path(alias="taskId")], caller: Annotated[Caller, permitted]
    ) -> list[Step]:
        def look(connection: sa.Connection) -> list[Step]:
            _must_exist(connection, task_id, caller)
            return _steps(connection, "task", task_id)

        return await in_thread(engine, look)

    @router.get(
        "/api/tasks/{taskId}/pushes",
        summary="The runs of this task (IM-40)",
        response_model=PushesPage,
        responses=IS_FILE,
    )
    async def task_pushes(
        request: Request,
        task_id: Annotated[str, Path(alias="taskId")],
        asked: Annotated[PushesQuery, Query()],
        caller: Annotated[Caller, permitted],
    ) -> Response | PushesPage:
        """Return a page; with ``Accept: text/csv`` all pages from there on, as a file."""
        behind = cursors.named("cursor", asked.cursor)
        if wants_csv(request):
            await in_thread(engine, lambda c: _must_exist(c, task_id, caller))
            await exports.note(engine, caller, Action.LIST_EXPORT, f"task {task_id}", asked)
            return _file(engine, task_id, behind, clock)

        def look(connection: sa.Connection) -> list[Push]:
            _must_exist(connection, task_id, caller)
            return runs.pushes(connection, task_id, after=behind, limit=asked.limit + 1)

        return _page(await in_thread(engine, look), asked.limit, clock())


def _steps(connection: sa.Connection, kind: Literal["task", "push"], of: str) -> list[Step]:
    return [Step.model_validate(step) for step in runs.history(connection, kind, of)]


def _page(found: list[Push], limit: int, now: datetime) -> PushesPage:
    shown = found[:limit]
    last = cursors.cursor(shown[-1].due_at, shown[-1].push_id) if shown else None
    return PushesPage(
        items=[_view(push, now) for push in shown],
        next_cursor=last.written() if last and len(found) > limit else None,
    )


def _file(
    engine: sa.Engine, task_id: str, behind: cursors.Cursor[str] | None, clock: Clock
) -> Response:
    def read(
        connection: sa.Connection, behind: cursors.Cursor[str] | None
    ) -> tuple[list[PushView], cursors.Cursor[str] | None]:
        found = runs.pushes(connection, task_id, after=behind, limit=AT_ONCE)
        last = found[-1] if len(found) == AT_ONCE else None
        return [_view(push, clock()) for push in found], (
            None if last is None else cursors.cursor(last.due_at, last.push_id)
        )

    return csv_answer("pushes", COLUMNS, engine, read, behind)


def _must_exist(connection: sa.Connection, task_id: str, caller: Caller) -> None:
    task = runs.task(connection, task_id)
    if task is None or not caller.may_see(task.tenant_id):
        raise NotFound("Task not found")


def _visible(connection: sa.Connection, push_id: str, caller: Caller) -> Push:
    push = runs.push(connection, push_id)
    if push is None or not caller.may_see(push.tenant_id):
        raise NotFound("Push not found")
    return push


def _outcome(push: Push, found: list[Group], now: datetime) -> PushResult:
    groups = [_group(group) for group in found]
    return PushResult(
        push_id=push.push_id,
        task_id=push.task_id,
        status=push.status,
        sent_groups=[group.group_id for group in groups if group.status == "sent"],
        failed_groups=[
            FailedGroup(group_id=group.group_id, error=group.error or "")
            for group in groups
            if group.status == "failed"
        ],
        pending_groups=[group.group_id for group in groups if group.status == "pending"],
        progress=progress_of(push.counted, [], now),
        groups=groups,
        timestamp=push.begun_at,
    )


def _group(group: Group) -> GroupResult:
    error = group.error or ""
    if group.error_code is not None:
        error = error_of_group(ErrorCode(group.error_code), error)
    return GroupResult(
        group_id=group.group_id,
        status="sent" if group.is_sent else "failed" if group.is_failed else "pending",
        delivered_at=group.delivered_at if group.is_sent else None,
        attempts=group.attempts,
        error=error if group.is_failed else None,
    )


def _view(push: Push, now: datetime) -> PushView:
    return PushView(
        push_id=push.push_id,
        status=push.status,
        occurrence_at=push.occurrence_at,
        due_at=push.due_at,
        begun_at=push.begun_at,
        groups=push.groups,
        reason=push.reason,
        progress=progress_of(push.counted, [], now),
    )
