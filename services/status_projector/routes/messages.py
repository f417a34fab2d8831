"""Status of one message, asked for and pushed live."""

from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Path, Query, WebSocket

from domain.lifecycle import Status
from runtime.auth import Caller, Guard, Permission
from runtime.errors import NotFound
from runtime.postgres import in_thread
from schemas.http.envelope import Envelope
from schemas.http.trail import MessageStatus
from services.status_projector.live import Hub, Wish
from services.status_projector.store import queries


def routes(engine: sa.Engine, hub: Hub, guard: Guard) -> APIRouter:
    """Return the endpoints of ``/api/v1/im``."""
    router = APIRouter(prefix="/api/v1/im", tags=["messages"])

    @router.get("/messages/{messageId}/status", summary="Where is this message? (ST-09)")
    async def message_status(
        message_id: Annotated[str, Path(alias="messageId")],
        caller: Annotated[Caller, Depends(guard.needs(Permission.MESSAGES_VIEW))],
    ) -> Envelope[MessageStatus]:
        row = await in_thread(engine, lambda c: queries.status_of(c, message_id, caller.tenant_id))
        if row is None:
            raise NotFound("Message not found")
        shown = Status.SENDING if row["status"] == Status.PENDING else row["status"]
        return Envelope(data=MessageStatus.model_validate({**row, "status": shown}))

    @router.websocket("/ws")
    async def live(
        socket: WebSocket,
        message_id: Annotated[list[str] | None, Query(alias="messageId")] = None,
        job_id: Annotated[list[str] | None, Query(alias="jobId")] = None,
    ) -> None:
        """Push every change of the wanted messages and jobs; of all without a wish (IM-36)."""
        caller = await guard.socket_caller(socket, Permission.MESSAGES_VIEW)
        wish = Wish(frozenset(message_id or ()), frozenset(job_id or ()), caller.tenant_id)
        await hub.serve(socket, wish, lambda: guard.until_gone(caller, Permission.MESSAGES_VIEW))

    return router
