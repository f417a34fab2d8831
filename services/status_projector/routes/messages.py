"""Status of one message."""

from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Path, Request, Response

from runtime.auth import Caller, Guard, Permission
from runtime.errors import NotFound
from runtime.postgres import in_thread
from schemas.http.envelope import Envelope
from schemas.http.trail import MessageStatus
from services.status_projector.routes.revisiting import UNCHANGED, answered
from services.status_projector.showing import public
from services.status_projector.store import queries


def routes(engine: sa.Engine, guard: Guard) -> APIRouter:
    """Return the endpoints of ``/api/v1/im``."""
    router = APIRouter(prefix="/api/v1/im", tags=["messages"])

    @router.get(
        "/messages/{messageId}/status",
        summary="Where is this message? (ST-09)",
        response_model=Envelope[MessageStatus],
        responses=UNCHANGED,
    )
    async def message_status(
        request: Request,
        message_id: Annotated[str, Path(alias="messageId")],
        caller: Annotated[Caller, Depends(guard.needs(Permission.MESSAGES_VIEW))],
    ) -> Response:
        row = await in_thread(engine, lambda c: queries.status_of(c, message_id, caller.tenant_id))
        if row is None:
            raise NotFound("Message not found")
        modified = row.pop("updated_at")
        status = MessageStatus.model_validate(row | {"status": public(row["status"])})
        body = Envelope(data=status).model_dump_json(by_alias=True)
        return answered(request, body.encode(), modified)

    return router
