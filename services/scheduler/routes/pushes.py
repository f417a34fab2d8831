"""Starting a push by hand, a test aid (TP-15, IM-18)."""

from collections.abc import Callable
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Depends

from runtime.auth import Caller, Guard, Permission
from runtime.postgres import in_thread
from schemas.http.pushes import PushStarted, StartPush
from services.scheduler.timed.by_hand import start
from services.scheduler.timed.works import by_the_database


def router(engine: sa.Engine, guard: Guard, *, wake: Callable[[], None]) -> APIRouter:
    """Return the route; ``wake`` is called when a push has begun."""
    routes = APIRouter(tags=["pushes"])
    editor = Depends(guard.needs(Permission.TASKS_EDIT))

    @routes.post("/api/push", summary="Push a task now, as a test")
    async def start_push(body: StartPush, caller: Annotated[Caller, editor]) -> PushStarted:
        push_id = await in_thread(
            engine, lambda c: start(c, body.task_id, caller, now=by_the_database(c))
        )
        wake()
        return PushStarted(push_id=push_id)

    return routes
