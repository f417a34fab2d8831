"""Tickets for streams: what opens a WebSocket or an EventSource, which carry no header (AU-02)."""

from typing import Annotated

from fastapi import APIRouter, Depends

from runtime.auth import TICKET_LASTS, Caller, Guard
from schemas.http.accounts import Ticket
from schemas.http.envelope import Envelope


def routes(guard: Guard) -> APIRouter:
    """Return the endpoint."""
    router = APIRouter(prefix="/api/v1/im", tags=["messages"])

    @router.post("/ws-ticket", summary="A ticket for `?ticket=`, for half a minute")
    async def ticket(caller: Annotated[Caller, Depends(guard.signed_in())]) -> Envelope[Ticket]:
        seconds = int(TICKET_LASTS.total_seconds())
        return Envelope(data=Ticket(ticket=guard.ticket(caller), expires_in_seconds=seconds))

    return router
