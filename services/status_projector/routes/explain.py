"""Why a message is where it is, and which sends nobody has called back about (IM-53, IM-54)."""

from datetime import timedelta
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response
from pydantic import Field

from runtime import audit
from runtime.audit import Action
from runtime.auth import Caller, Guard, Permission
from runtime.clock import Clock
from runtime.csv_answers import AT_ONCE, IS_FILE, csv_answer, wants_csv
from runtime.errors import InvalidInput, NotFound
from runtime.postgres import in_thread
from runtime.vault import Vault
from schemas.http.envelope import Envelope
from schemas.http.explain import Explanation
from schemas.http.stale import StaleMessage, StalePage, StaleSender
from services.status_projector.explain import explain
from services.status_projector.prices import Prices
from services.status_projector.store import silence
from services.status_projector.store.silence import After, Wanted

COLUMNS = ("messageId", "sender", "acceptedAt")
ORDINARY = timedelta(minutes=30)


def routes(
    engine: sa.Engine, vault: Vault, guard: Guard, clock: Clock, prices: Prices
) -> APIRouter:
    """Return the endpoints that explain."""
    router = APIRouter(prefix="/api/v1", tags=["explain"])
    may_view = Depends(guard.needs(Permission.MESSAGES_VIEW))

    @router.get("/im/messages/{messageId}/explain", summary="Everything known of a message (IM-53)")
    async def explain_message(
        message_id: Annotated[str, Path(alias="messageId")],
        caller: Annotated[Caller, may_view],
    ) -> Envelope[Explanation]:
        tenant_id = caller.tenant_id
        found = await in_thread(
            engine, lambda c: explain(c, vault, message_id, prices, tenant_id=tenant_id)
        )
        if found is None:
            raise NotFound("Message not found")
        return Envelope(data=found)

    @router.get(
        "/messages/stale",
        summary="Sent, and no callback for long (IM-54)",
        response_model=Envelope[StalePage],
        responses=IS_FILE,
    )
    async def stale(
        request: Request,
        caller: Annotated[Caller, may_view],
        older_than: Annotated[
            timedelta, Field(gt=timedelta(0), le=timedelta(days=30)), Query(alias="olderThan")
        ] = ORDINARY,
        sender: Annotated[
            str | None, Query(max_length=100, description="`channel:senderId`")
        ] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
        cursor: Annotated[str | None, Query(max_length=500)] = None,
    ) -> Response | Envelope[StalePage]:
        """Return a page; with ``Accept: text/csv`` all pages from there on, as a file."""
        wanted = Wanted(clock() - older_than, sender, caller.tenant_id)
        after = None if cursor is None else _after(cursor)
        if wants_csv(request):
            await in_thread(
                engine, lambda c: audit.note(c, caller, Action.LIST_EXPORT, "stale messages")
            )
            return _file(engine, wanted, after)
        found = await in_thread(
            engine,
            lambda c: (silence.senders(c, wanted), silence.page(c, wanted, after, limit + 1)),
        )
        return Envelope(data=_page(*found, limit))

    return router


def _page(senders: list[sa.RowMapping], rows: list[sa.RowMapping], limit: int) -> StalePage:
    shown, more = rows[:limit], len(rows) > limit
    last = shown[-1] if shown else None
    return StalePage(
        senders=[StaleSender.model_validate(dict(row)) for row in senders],
        messages=[StaleMessage.model_validate(dict(row)) for row in shown],
        next_cursor=After(last["accepted_at"], last["message_id"]).text if last and more else None,
    )


def _file(engine: sa.Engine, wanted: Wanted, after: After | None) -> Response:
    def read(
        connection: sa.Connection, after: After | None
    ) -> tuple[list[StaleMessage], After | None]:
        rows = silence.page(connection, wanted, after, AT_ONCE)
        last = rows[-1] if len(rows) == AT_ONCE else None
        return [StaleMessage.model_validate(dict(row)) for row in rows], (
            None if last is None else After(last["accepted_at"], last["message_id"])
        )

    return csv_answer("stale", COLUMNS, engine, read, after)


def _after(cursor: str) -> After:
    try:
        return After.of(cursor)
    except ValueError as error:
        raise InvalidInput("cursor", "is none of ours") from error
