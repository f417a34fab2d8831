"""Search over all messages, as pages and as a file (IM-44, CF-47)."""

from collections.abc import Iterator
from typing import Annotated, Final

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response, StreamingResponse

from runtime import exports
from runtime.audit import Action
from runtime.auth import Caller, Permission
from runtime.csv_stream import MEDIA_TYPE, Cell, stream_csv
from runtime.postgres import in_thread, transaction
from schemas.http.asking import MessageExport, MessageSearch, Order
from schemas.http.envelope import Envelope
from schemas.http.messages import Message, MessagePage
from services.status_projector import cursors, filters, showing
from services.status_projector.routes.parts import Parts
from services.status_projector.store import search
from services.status_projector.store.narrowing import Page, Wanted

AT_ONCE: Final = 1_000
"""Rows of an export that are in memory at once."""
ABOUT: Final = "messages"
"""What is exported, in the audit trail."""
COLUMNS: Final = (
    "messageId",
    "sentAt",
    "direction",
    "channel",
    "senderId",
    "recipient",
    "recipientName",
    "type",
    "text",
    "status",
    "deliveredAt",
    "readAt",
    "failedAt",
    "errorCode",
    "errorMessage",
    "category",
    "contactId",
    "orderId",
    "caseId",
    "agentId",
    "jobId",
    "tenantId",
)


def routes(parts: Parts) -> APIRouter:
    """Return the endpoints of ``/api/v1/messages``."""
    router = APIRouter(prefix="/api/v1", tags=["messages"])
    permitted = Depends(parts.guard.needs(Permission.MESSAGES_VIEW))

    def wanted_by(asked: MessageSearch | MessageExport, caller: Caller) -> Wanted:
        people = parts.people(asked.recipient, asked.channel)
        return filters.wanted(asked, caller.tenant_id, people)

    @router.get(
        "/messages",
        summary="Which messages are there?",
        response_model=Envelope[MessagePage],
        responses={200: {"content": {"text/csv": {}}}},
    )
    async def find(
        request: Request,
        asked: Annotated[MessageSearch, Query()],
        caller: Annotated[Caller, permitted],
    ) -> Response | Envelope[MessagePage]:
        """Return a page; with ``Accept: text/csv`` all pages from there on, as a file."""
        behind = cursors.numbered("cursor", asked.cursor)
        wanted, newest_first = wanted_by(asked, caller), asked.order is Order.DESC
        if _wants_csv(request):
            await exports.note(parts.engine, caller, Action.MESSAGES_EXPORT, ABOUT, asked)
            return _file(parts, wanted, Page(AT_ONCE, newest_first, behind))
        page = Page(asked.limit + 1, newest_first, behind)

        def look(connection: sa.Connection) -> MessagePage:
            rows = search.find(connection, wanted, page)
            shown = rows[: asked.limit]
            has_more = len(rows) > asked.limit
            return MessagePage(
                items=showing.messages(connection, parts.vault, shown),
                next_cursor=_cursor(shown[-1]).written() if has_more else None,
            )

        return Envelope(data=await in_thread(parts.engine, look))

    @router.get(
        "/messages/export",
        summary="The same as a CSV file",
        response_class=StreamingResponse,
        responses={200: {"content": {"text/csv": {}}}},
    )
    async def export(
        asked: Annotated[MessageExport, Query()], caller: Annotated[Caller, permitted]
    ) -> StreamingResponse:
        """Return all messages that are found: UTF-8 with a mark, and nothing that runs."""
        page = Page(AT_ONCE, asked.order is Order.DESC)
        await exports.note(parts.engine, caller, Action.MESSAGES_EXPORT, ABOUT, asked)
        return _file(parts, wanted_by(asked, caller), page)

    return router


def _wants_csv(request: Request) -> bool:
    accepted = request.headers.get("Accept", "")
    return any(part.split(";")[0].strip() == "text/csv" for part in accepted.split(","))


def _file(parts: Parts, wanted: Wanted, page: Page) -> StreamingResponse:
    return StreamingResponse(
        stream_csv(COLUMNS, _rows(parts, wanted, page)),
        media_type=MEDIA_TYPE,
        headers={"Content-Disposition": 'attachment; filename="messages.csv"'},
    )


def _rows(parts: Parts, wanted: Wanted, page: Page) -> Iterator[list[Cell]]:
    """Yield all rows, a page and a short transaction at a time.

    Not one cursor of the server's for all: it would hold a transaction open for as long as
    somebody's line is slow, and with it old row versions of the whole database.
    """
    while True:
        with transaction(parts.engine) as connection:
            rows = search.find(connection, wanted, page)
            items = showing.messages(connection, parts.vault, rows)
        yield from map(_cells, items)
        if len(rows) < page.limit:
            return
        page = Page(page.limit, page.newest_first, _cursor(rows[-1]))


def _cells(message: Message) -> list[Cell]:
    return [
        message.message_id,
        message.sent_at,
        message.direction,
        message.channel,
        message.sender_id,
        message.recipient,
        message.recipient_name,
        message.type,
        message.text,
        message.status,
        message.delivered_at,
        message.read_at,
        message.failed_at,
        message.error_code,
        message.error_message,
        message.category,
        message.contact_id,
        message.order_id,
        message.case_id,
        message.agent_id,
        message.job_id,
        message.tenant_id,
    ]


def _cursor(row: search.Row) -> cursors.Cursor[int]:
    return cursors.cursor(row["sent_at"], row["id"])
