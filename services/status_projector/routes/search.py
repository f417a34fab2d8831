"""Search over all messages, as pages and as a file (IM-44, CF-47)."""

from typing import Annotated, Final

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response, StreamingResponse

from runtime import exports
from runtime.audit import Action
from runtime.auth import Caller, Permission
from runtime.csv_answers import AT_ONCE, IS_FILE, csv_answer, wants_csv
from runtime.postgres import in_thread
from schemas.http.asking import MessageExport, MessageSearch, Order
from schemas.http.envelope import Envelope
from schemas.http.messages import Message, MessagePage
from services.status_projector import cursors, filters, showing
from services.status_projector.routes.parts import Parts
from services.status_projector.store import search
from services.status_projector.store.narrowing import Page, Wanted

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
        responses=IS_FILE,
    )
    async def find(
        request: Request,
        asked: Annotated[MessageSearch, Query()],
        caller: Annotated[Caller, permitted],
    ) -> Response | Envelope[MessagePage]:
        """Return a page; with ``Accept: text/csv`` all pages from there on, as a file."""
        behind = cursors.numbered("cursor", asked.cursor)
        wanted, newest_first = wanted_by(asked, caller), asked.order is Order.DESC
        if wants_csv(request):
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
        responses=IS_FILE,
    )
    async def export(
        asked: Annotated[MessageExport, Query()], caller: Annotated[Caller, permitted]
    ) -> StreamingResponse:
        """Return all messages that are found: UTF-8 with a mark, and nothing that runs."""
        page = Page(AT_ONCE, asked.order is Order.DESC)
        await exports.note(parts.engine, caller, Action.MESSAGES_EXPORT, ABOUT, asked)
        return _file(parts, wanted_by(asked, caller), page)

    return router


def _file(parts: Parts, wanted: Wanted, page: Page) -> StreamingResponse:
    def read(
        connection: sa.Connection, behind: cursors.Cursor[int] | None
    ) -> tuple[list[Message], cursors.Cursor[int] | None]:
        rows = search.find(connection, wanted, Page(page.limit, page.newest_first, behind))
        items = showing.messages(connection, parts.vault, rows)
        return items, _cursor(rows[-1]) if len(rows) == page.limit else None

    return csv_answer("messages", COLUMNS, parts.engine, read, page.behind)


def _cursor(row: search.Row) -> cursors.Cursor[int]:
    return cursors.cursor(row["sent_at"], row["id"])
