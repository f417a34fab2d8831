"""One message: its trail (ST-08), and everything that a chat bubble needs (IM-37)."""

from typing import Annotated, Final

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Path

from runtime.auth import Caller, Permission
from runtime.errors import NotFound
from runtime.postgres import in_thread
from schemas.http.envelope import Envelope
from schemas.http.messages import MessageDetail, Participants, StatusChange
from services.status_projector import showing, unprojected
from services.status_projector.routes.parts import Parts
from services.status_projector.store import queries, shown
from services.status_projector.store.accepted import accepted

FIRST_PARTICIPANTS: Final = 100
_UNKNOWN: Final = "Message not found"


def routes(parts: Parts) -> APIRouter:
    """Return the endpoints of ``/api/v1/im`` that speak of one message."""
    router = APIRouter(prefix="/api/v1/im", tags=["messages"])
    engine = parts.engine
    permitted = Depends(parts.guard.needs(Permission.MESSAGES_VIEW))

    @router.get("/messages/{messageId}/history", summary="How did it come there? (ST-08)")
    async def message_history(
        message_id: Annotated[str, Path(alias="messageId")], caller: Annotated[Caller, permitted]
    ) -> Envelope[list[StatusChange]]:
        """Return all transitions, oldest first; ``pending`` is shown as ``sending`` (CF-01)."""

        def look(connection: sa.Connection) -> list[StatusChange]:
            if queries.status_of(connection, message_id, caller.tenant_id) is None:
                raise NotFound(_UNKNOWN)
            return _changes(shown.changes(connection, message_id))

        return Envelope(data=await in_thread(engine, look))

    @router.get("/messages/{messageId}", summary="What is this message?")
    async def message(
        message_id: Annotated[str, Path(alias="messageId")], caller: Annotated[Caller, permitted]
    ) -> Envelope[MessageDetail]:
        """Return everything that a chat bubble needs."""

        def look(connection: sa.Connection) -> MessageDetail:
            row = shown.message(connection, message_id)
            if row is None:
                waiting = accepted(connection, parts.vault, message_id, caller.tenant_id)
                if waiting is None:
                    raise NotFound(_UNKNOWN)
                return unprojected.detail(waiting, parts.vault, parts.terms.prices)
            if not caller.may_see(row["tenant_id"]):
                raise NotFound(_UNKNOWN)
            several = _participants(connection, parts, row)
            keyring = showing.keyring_of(connection, parts.vault, [row])
            return showing.detail(keyring, row, parts.terms.prices, several)

        return Envelope(data=await in_thread(engine, look))

    return router


def _changes(rows: list[shown.Row]) -> list[StatusChange]:
    steps = [
        {
            **row,
            "from_status": showing.public(row["from_status"]),
            "to_status": showing.public(row["to_status"]),
        }
        for row in rows
    ]
    # From `pending` to `sending` people see no step.
    return [
        StatusChange.model_validate(step)
        for step in steps
        if step["from_status"] != step["to_status"]
    ]


def _participants(connection: sa.Connection, parts: Parts, row: shown.Row) -> Participants | None:
    message_id = row["message_id"]
    counts = shown.participant_counts(connection, message_id)
    if not counts:
        return None
    first = shown.participants(connection, message_id, FIRST_PARTICIPANTS)
    return Participants(
        total=sum(counts.values()),
        by_status=counts,
        first=showing.participants(connection, parts.vault, message_id, first),
    )
