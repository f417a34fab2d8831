"""Starting a push by hand, a test aid (TP-15, IM-18)."""

from collections.abc import Callable
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Depends

from runtime.auth import Caller, Guard, Permission
from runtime.postgres import in_thread
from runtime.vault import Vault
from schemas.http.pushes import PushStarted, StartPush
from services.scheduler.idempotency import once
from services.scheduler.routes.body import IdempotencyKey, key_for
from services.scheduler.store.keys import Answer
from services.scheduler.timed.by_hand import start
from services.scheduler.timed.works import by_the_database


def router(engine: sa.Engine, vault: Vault, guard: Guard, *, wake: Callable[[], None]) -> APIRouter:
    """Return the route; ``wake`` is called when a push has begun."""
    routes = APIRouter(tags=["pushes"])
    pusher = Depends(guard.needs(Permission.TASKS_PUSH))

    @routes.post("/api/push", summary="Push a task now, as a test")
    async def start_push(
        body: StartPush, caller: Annotated[Caller, pusher], idempotency_key: IdempotencyKey = None
    ) -> PushStarted:
        key = key_for("POST /api/push", caller, idempotency_key, body)

        def work(connection: sa.Connection) -> Answer:
            now = by_the_database(connection)

            def make() -> Answer:
                push_id = start(connection, vault, body.task_id, caller, now=now)
                return PushStarted(push_id=push_id).model_dump(mode="json", by_alias=True)

            return once(connection, key, make, now=now)

        started = PushStarted.model_validate(await in_thread(engine, work))
        wake()
        return started

    return routes
