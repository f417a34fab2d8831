"""What is unread (IM-27)."""

from datetime import datetime
from typing import Annotated, Final

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Path, Query

from runtime.auth import Caller, Guard, Permission
from runtime.bodies import usable_moment
from runtime.clock import Clock
from runtime.errors import InvalidInput, NotFound
from runtime.postgres import in_thread
from schemas.http.envelope import Envelope
from schemas.http.trail import ConversationRead
from services.status_projector.store import conversations

UP_TO: Final = (
    "The id of the newest message that was shown, or a moment (ISO 8601 with an offset): what came"
    " in after it stays unread. Without it all is read."
)


def routes(engine: sa.Engine, guard: Guard, clock: Clock) -> APIRouter:
    """Return the endpoints of ``/api/v1/im/conversations`` that change something."""
    router = APIRouter(prefix="/api/v1/im/conversations", tags=["conversations"])

    @router.post("/{conversationId}/read", summary="Mark a conversation as read.")
    async def mark_read(
        conversation_id: Annotated[str, Path(alias="conversationId")],
        caller: Annotated[Caller, Depends(guard.needs(Permission.MESSAGES_SEND))],
        up_to: Annotated[str | None, Query(alias="upTo", description=UP_TO, min_length=1)] = None,
    ) -> Envelope[ConversationRead]:
        now, shown = clock(), None if up_to is None else _message_or_moment(up_to)
        unread = await in_thread(
            engine,
            lambda c: conversations.mark_read(
                c, conversation_id, tenant_id=caller.tenant_id, now=now, up_to=shown
            ),
        )
        if unread is None:
            raise NotFound("Conversation not found")
        return Envelope(data=ConversationRead(conversation_id=conversation_id, unread=unread))

    return router


def _message_or_moment(given: str) -> str | datetime:
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        return given
    if moment.tzinfo is None:
        raise InvalidInput("upTo", "must have an offset from UTC")
    return usable_moment("upTo", moment)
