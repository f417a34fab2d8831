"""What is unread (IM-27)."""

from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Path

from runtime.auth import Caller, Guard, Permission
from runtime.clock import Clock
from runtime.errors import NotFound
from runtime.postgres import in_thread
from schemas.http.envelope import Envelope
from schemas.http.trail import ConversationRead
from services.status_projector.store import conversations


def routes(engine: sa.Engine, guard: Guard, clock: Clock) -> APIRouter:
    """Return the endpoints of ``/api/v1/im/conversations`` that change something."""
    router = APIRouter(prefix="/api/v1/im/conversations", tags=["conversations"])

    @router.post("/{conversationId}/read", summary="Mark a conversation as read.")
    async def mark_read(
        conversation_id: Annotated[str, Path(alias="conversationId")],
        caller: Annotated[Caller, Depends(guard.needs(Permission.MESSAGES_SEND))],
    ) -> Envelope[ConversationRead]:
        now = clock()
        known = await in_thread(
            engine,
            lambda c: conversations.mark_read(
                c, conversation_id, tenant_id=caller.tenant_id, now=now
            ),
        )
        if not known:
            raise NotFound("Conversation not found")
        return Envelope(data=ConversationRead(conversation_id=conversation_id))

    return router
