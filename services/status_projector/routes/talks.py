"""What was written to and fro, with whom and about what (IM-27, IM-37)."""

from typing import Annotated, Final, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from runtime import exports
from runtime.audit import Action
from runtime.auth import Caller, Permission
from runtime.csv_answers import AT_ONCE, IS_FILE, csv_answer, wants_csv
from runtime.errors import InvalidInput, NotFound
from runtime.postgres import in_thread
from schemas.http.asking import ConversationHistory, ConversationSearch, Order
from schemas.http.envelope import Envelope
from schemas.http.messages import Conversation, ConversationPage, HistoryPage, Message
from services.status_projector import cursors, filters, showing
from services.status_projector.routes.parts import Parts
from services.status_projector.routes.search import COLUMNS as MESSAGE_COLUMNS
from services.status_projector.store import search, talks
from services.status_projector.store.narrowing import Page, Wanted
from services.status_projector.store.search import Row
from services.status_projector.store.talks import REST, UNREAD, Sought

COLUMNS: Final = tuple(field.alias or name for name, field in Conversation.model_fields.items())
_NAMES: Final = ("contact_id", "order_id", "conversation_id")


def routes(parts: Parts) -> APIRouter:
    """Return the endpoints of ``/api/v1/im`` that list."""
    router = APIRouter(prefix="/api/v1/im", tags=["conversations"])
    permitted = Depends(parts.guard.needs(Permission.MESSAGES_VIEW))

    @router.get(
        "/messages",
        summary="What was written to and fro? (IM-37)",
        response_model=Envelope[HistoryPage],
        responses=IS_FILE,
    )
    async def history(
        request: Request,
        asked: Annotated[ConversationHistory, Query()],
        caller: Annotated[Caller, permitted],
    ) -> Response | Envelope[HistoryPage]:
        """Return the newest messages of a contact or an order, or those beside a cursor.

        With ``Accept: text/csv`` all that are older, or newer, as a file.
        """
        if wants_csv(request):
            await in_thread(parts.engine, lambda c: _narrowed(c, asked, caller))
            await exports.note(parts.engine, caller, Action.MESSAGES_EXPORT, "history", asked)
            return _history_file(parts, asked, caller)
        return Envelope(
            data=await in_thread(parts.engine, lambda c: _history(c, parts, asked, caller))
        )

    @router.get(
        "/conversations",
        summary="Which conversations are there?",
        response_model=Envelope[ConversationPage],
        responses=IS_FILE,
    )
    async def conversations(
        request: Request,
        asked: Annotated[ConversationSearch, Query()],
        caller: Annotated[Caller, permitted],
    ) -> Response | Envelope[ConversationPage]:
        """Return a page of conversations, each with its newest message.

        With ``Accept: text/csv`` all pages from there on, as a file.
        """
        if wants_csv(request):
            behind = cursors.named("cursor", asked.cursor)
            await exports.note(parts.engine, caller, Action.LIST_EXPORT, "conversations", asked)
            return _conversations_file(parts, asked, caller, behind)
        return Envelope(
            data=await in_thread(parts.engine, lambda c: _conversations(c, parts, asked, caller))
        )

    return router


def _narrowed(connection: sa.Connection, asked: ConversationHistory, caller: Caller) -> Wanted:
    """Return which messages. Raises `InvalidInput` or `NotFound`."""
    equal = {name: value for name in _NAMES if (value := getattr(asked, name)) is not None}
    if not equal:
        raise InvalidInput("contactId", "one of contactId, orderId, conversationId is required")
    if asked.before is not None and asked.after is not None:
        raise InvalidInput("after", "not together with 'before'")
    conversation = asked.conversation_id
    if conversation is not None and not talks.exists(connection, conversation, caller.tenant_id):
        raise NotFound("Conversation not found")
    return Wanted(equal=equal | filters.of_tenant(caller.tenant_id))


def _history_file(parts: Parts, asked: ConversationHistory, caller: Caller) -> Response:
    first = cursors.numbered("after", asked.after) or cursors.numbered("before", asked.before)
    is_forward = asked.after is not None or (asked.before is None and asked.order is Order.ASC)

    def read(
        connection: sa.Connection, behind: cursors.Cursor[int] | None
    ) -> tuple[list[Message], cursors.Cursor[int] | None]:
        wanted = _narrowed(connection, asked, caller)
        rows = search.find(connection, wanted, Page(AT_ONCE, not is_forward, behind))
        items = showing.messages(connection, parts.vault, rows)
        last = rows[-1] if len(rows) == AT_ONCE else None
        return items, None if last is None else cursors.cursor(last["sent_at"], last["id"])

    return csv_answer("history", MESSAGE_COLUMNS, parts.engine, read, first)


def _conversations_file(
    parts: Parts,
    asked: ConversationSearch,
    caller: Caller,
    first: cursors.Cursor[str] | None,
) -> Response:
    def read(
        connection: sa.Connection, behind: cursors.Cursor[str] | None
    ) -> tuple[list[Conversation], cursors.Cursor[str] | None]:
        sought = _sought(parts, asked, caller)
        found = _found(connection, sought, asked.sort, behind, AT_ONCE)
        items = _shown(connection, parts, [row for _, row in found])
        return items, _place(found[-1]) if len(found) == AT_ONCE else None

    return csv_answer("conversations", COLUMNS, parts.engine, read, first)


def _history(
    connection: sa.Connection, parts: Parts, asked: ConversationHistory, caller: Caller
) -> HistoryPage:
    wanted = _narrowed(connection, asked, caller)
    is_forward = asked.after is not None
    behind = cursors.numbered("after", asked.after) or cursors.numbered("before", asked.before)
    found = search.find(connection, wanted, Page(asked.limit + 1, not is_forward, behind))
    has_more, rows = len(found) > asked.limit, found[: asked.limit]
    oldest_first = rows if is_forward else rows[::-1]
    # Behind the cursor there is at least the row it was made of.
    older = has_more if not is_forward else True
    return HistoryPage(
        items=showing.messages(
            connection,
            parts.vault,
            oldest_first if asked.order is Order.ASC else oldest_first[::-1],
        ),
        before=_word(oldest_first[0]) if oldest_first and older else None,
        after=_word(oldest_first[-1]) if oldest_first else asked.after,
    )


def _conversations(
    connection: sa.Connection, parts: Parts, asked: ConversationSearch, caller: Caller
) -> ConversationPage:
    behind = cursors.named("cursor", asked.cursor)
    sought = _sought(parts, asked, caller)
    found = _found(connection, sought, asked.sort, behind, asked.limit + 1)
    shown = found[: asked.limit]
    return ConversationPage(
        items=_shown(connection, parts, [row for _, row in shown]),
        unread=talks.unread(connection, sought)
        if sought.about or sought.people is not None
        else None,
        next_cursor=_place(shown[-1]).written() if len(found) > asked.limit else None,
    )


def _sought(parts: Parts, asked: ConversationSearch, caller: Caller) -> Sought:
    def given(names: tuple[str, ...]) -> dict[str, str]:
        return {name: value for name in names if (value := getattr(asked, name)) is not None}

    return Sought(
        equal=given(("channel", "sender_id")) | filters.of_tenant(caller.tenant_id),
        about=given(("contact_id", "order_id")),
        people=parts.people(asked.phone, asked.channel),
    )


def _found(
    connection: sa.Connection,
    sought: Sought,
    sort: Literal["unread", "time"],
    behind: cursors.Cursor[str] | None,
    limit: int,
) -> list[tuple[int, Row]]:
    """Return conversations in their order, each with its part of the list."""
    found: list[tuple[int, Row]] = []
    for group in (UNREAD, REST) if sort == "unread" else (None,):
        if behind is not None and group is not None and group < behind.group:
            continue
        from_there = behind if behind is not None and behind.group == (group or 0) else None
        if room := limit - len(found):
            rows = talks.find(connection, sought, from_there, room, group=group)
            found += [(group or 0, row) for row in rows]
    return found


def _place(found: tuple[int, Row]) -> cursors.Cursor[str]:
    group, row = found
    return cursors.cursor(row["last_at"], row["conversation_id"], group)


def _shown(connection: sa.Connection, parts: Parts, rows: list[Row]) -> list[Conversation]:
    keyring = showing.keyring_of(connection, parts.vault, rows)
    return [showing.conversation(keyring, row) for row in rows]


def _word(row: Row) -> str:
    return cursors.cursor(row["sent_at"], row["id"]).written()
