"""``GET /api/tasks``, its file, and the groups to choose from (TP-06, TP-13, IM-44)."""

from collections.abc import Iterator
from typing import Annotated, Final

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse

from runtime import audit, exports
from runtime.auth import Caller, Permission
from runtime.csv_stream import MEDIA_TYPE, Cell, stream_csv
from runtime.errors import WrongFields
from runtime.postgres import in_thread, transaction
from runtime.vault import Vault
from schemas.http.asking import Order
from schemas.http.tasks import (
    FARTHEST_ROW,
    GroupsBody,
    GroupsEntered,
    GroupShown,
    GroupsPage,
    GroupsQuery,
    TaskFilter,
    TasksPage,
    TasksQuery,
)
from services.scheduler.routes.asking import AskingRoute, body_of, documented
from services.scheduler.routes.tasks import Desk
from services.scheduler.store import groups, task_lists
from services.scheduler.store.groups import Group
from services.scheduler.store.task_lists import Crowds, Wanted
from services.scheduler.timed.groups import enter, group_of
from services.scheduler.timed.showing import FILE_COLUMNS, cells, shown

AT_ONCE: Final = 1_000
"""Rows of an export that are in memory at once."""
NAMED: Final = 100
"""Groups that are named in the audit."""


def router(desk: Desk) -> APIRouter:
    """Return the routes; they stand before those whose path is an id's."""
    routes = APIRouter(tags=["tasks"], route_class=AskingRoute)
    _add_lists(routes, desk)
    _add_groups(routes, desk)
    return routes


def _add_lists(routes: APIRouter, desk: Desk) -> None:
    viewer = Depends(desk.guard.needs(Permission.TASKS_VIEW))
    crowds = Crowds()

    @routes.get("/api/tasks", summary="Which tasks are there?")
    async def list_tasks(
        asked: Annotated[TasksQuery, Query()], caller: Annotated[Caller, viewer]
    ) -> TasksPage:
        """Return a page of the first 10,000 that are found; the file has all."""
        if asked.page * asked.limit > FARTHEST_ROW:
            problem = f"must lie within the first {FARTHEST_ROW} rows: ask for less"
            raise WrongFields("Invalid query", [("page", problem)])
        wanted = _wanted(asked, caller)
        is_crowd = crowds.has(wanted)
        page = await in_thread(
            desk.engine, lambda c: _page(c, desk.vault, asked, wanted, is_crowd=is_crowd)
        )
        if not (page.total_is_exact or is_crowd):
            crowds.note(wanted)
        return page

    @routes.get(
        "/api/tasks/export",
        summary="The same as a CSV file",
        response_class=StreamingResponse,
        responses={200: {"content": {"text/csv": {}}}},
    )
    async def export_tasks(
        asked: Annotated[TaskFilter, Query()], caller: Annotated[Caller, viewer]
    ) -> StreamingResponse:
        """Return all that are found: UTF-8 with a mark, and nothing that runs."""
        action = audit.Action.TASKS_EXPORT
        await exports.note(desk.engine, caller, action, "tasks", asked)
        return StreamingResponse(
            stream_csv(FILE_COLUMNS, _rows(desk, _wanted(asked, caller))),
            media_type=MEDIA_TYPE,
            headers={"Content-Disposition": 'attachment; filename="tasks.csv"'},
        )


def _add_groups(routes: APIRouter, desk: Desk) -> None:
    viewer = Depends(desk.guard.needs(Permission.TASKS_VIEW))
    editor = Depends(desk.guard.needs(Permission.TASKS_EDIT))

    @routes.get("/api/groups", summary="Group chats that tasks may be sent to")
    async def list_groups(
        asked: Annotated[GroupsQuery, Query()], caller: Annotated[Caller, viewer]
    ) -> GroupsPage:
        skip, limit = (asked.page - 1) * asked.limit, asked.limit
        found, total = await in_thread(
            desk.engine,
            lambda c: groups.page(c, caller.tenant_id, asked.search, skip=skip, limit=limit),
        )
        return GroupsPage(
            groups=list(map(_group_shown, found)), total=total, page=asked.page, limit=limit
        )

    @routes.put("/api/groups", summary="Enter group chats", openapi_extra=documented(GroupsBody))
    async def enter_groups(request: Request, caller: Annotated[Caller, editor]) -> GroupsEntered:
        """Store those that are new, and what is new of the others."""
        body = await body_of(request, GroupsBody)
        given = {one.group_id: group_of(one, caller) for one in body.groups}
        now = desk.clock()
        await in_thread(desk.engine, lambda c: enter(c, list(given.values()), caller, now=now))
        return GroupsEntered(entered=len(given))


def _page(
    connection: sa.Connection, vault: Vault, asked: TasksQuery, wanted: Wanted, *, is_crowd: bool
) -> TasksPage:
    counted, found = task_lists.counted_page(
        connection,
        vault,
        wanted,
        skip=(asked.page - 1) * asked.limit,
        limit=asked.limit,
        most=FARTHEST_ROW,
        is_crowd=is_crowd,
    )
    return TasksPage(
        tasks=list(map(shown, found)),
        total=min(counted, FARTHEST_ROW),
        page=asked.page,
        limit=asked.limit,
        total_is_exact=counted <= FARTHEST_ROW,
    )


def _rows(desk: Desk, wanted: Wanted) -> Iterator[list[Cell]]:
    """Yield all rows, a page and a short transaction at a time: a slow reader holds nothing."""
    last = None
    while True:
        with transaction(desk.engine) as connection:
            found = task_lists.after(connection, desk.vault, wanted, last, limit=AT_ONCE)
        yield from map(cells, found)
        if len(found) < AT_ONCE:
            return
        last = found[-1]


def _wanted(asked: TaskFilter, caller: Caller) -> Wanted:
    return Wanted(
        tenant_id=caller.tenant_id,
        status=asked.status,
        since=asked.start_time,
        until=asked.end_time,
        group_id=asked.group_id,
        creator_id=asked.creator_id,
        recipient_id=asked.recipient_id,
        sort=asked.sort,
        descending=asked.order is Order.DESC,
    )


def _group_shown(group: Group) -> GroupShown:
    return GroupShown(
        group_id=group.group_id,
        name=group.name,
        channel=group.channel,
        sender_id=group.sender_id,
        members=group.members,
        is_active=group.is_active,
    )
