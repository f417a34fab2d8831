"""What was written to and fro, with whom and about what (IM-27, IM-37)."""

from typing import Annotated, Final, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query

from runtime.auth import Caller, Permission
from runtime.errors import InvalidInput, NotFound
from runtime.postgres import in_thread
from schemas.http.asking import ConversationHistory, ConversationSearch, Order
from schemas.http.envelope import Envelope
from schemas.http.messages import Conversation, ConversationPage, HistoryPage
from services.status_projector import cursors, filters, showing
from services.status_projector.routes.parts import Parts
from services.status_projector.store import search, talks
from services.status_projector.store.narrowing import Page, Wanted
from services.status_projector.store.search import Row
from services.status_projector.store.talks import REST, UNREAD, Sought

_NAMES: Final = ("contact_id", "order_id", "conversation_id")


def routes(parts: Parts) -> APIRouter:
    """Return the endpoints of ``/api/v1/im`` that list."""
    router = APIRouter(prefix="/api/v1/im", tags=["conversations"])
    permitted = Depends(parts.guard.needs(Permission.MESSAGES_VIEW))

    @router.get("/messages", summary="What was written to and fro? (IM-37)")
    async def history(
        asked: Annotated[ConversationHistory, Query()], caller: Annotated[Caller, permitted]
    ) -> Envelope[HistoryPage]:
        """Return the newest messages of a contact or an order, or those beside a cursor."""
        return Envelope(
            data=await in_thread(parts.engine, lambda c: _history(c, parts, asked, caller))
        )

    @router.get("/conversations", summary="Which conversations are there?")
    async def conversations(
        asked: Annotated[ConversationSearch, Query()], caller: Annotated[Caller, permitted]
    ) -> Envelope[ConversationPage]:
        """Return a page of conversations, each with its newest message."""
        return Envelope(
            data=await in_thread(parts.engine, lambda c: _conversations(c, parts, asked, caller))
        )

    return router


def _history(
    connection: sa.Connection, parts: Parts, asked: ConversationHistory, caller: Caller
) -> HistoryPage:
    equal = {name: value for name in _NAMES if (value := getattr(asked, name)) is not None}
    if not equal:
        raise InvalidInput("contactId", "one of contactId, orderId, conversationId is required")
    if asked.before is not None and asked.after is not None:
        raise InvalidInput("after", "not together with 'before'")
    conversation = asked.conversation_id
    if conversation is not None and not talks.exists(connection, conversation, caller.tenant_id):
        raise NotFound("Conversation not found")
    is_forward = asked.after is not None
    behind = cursors.numbered("after", asked.after) or cursors.numbered("before", asked.before)
    wanted = Wanted(equal=equal | filters.of_tenant(caller.tenant_id))
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
