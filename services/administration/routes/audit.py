"""``GET /api/v1/audit``: who changed what, when (IM-31)."""

from collections.abc import Mapping
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime

from runtime.auth import Caller, Guard, Permission
from runtime.errors import InvalidInput
from runtime.postgres import in_thread
from schemas.http.accounts import AuditEntry, Page
from schemas.http.envelope import Envelope
from services.administration.routes.paging import Cursor, Limit, after, page
from services.administration.store import audit
from services.administration.store.audit import Wanted

Text = Annotated[str | None, Query(max_length=100)]


def routes(engine: sa.Engine, guard: Guard) -> APIRouter:
    """Return the endpoint."""
    router = APIRouter(prefix="/api/v1/audit", tags=["audit"])

    @router.get("", summary="Who changed what, the newest first")
    async def list_entries(
        caller: Annotated[Caller, Depends(guard.needs(Permission.AUDIT_VIEW))],
        actor: Text = None,
        action: Text = None,
        about: Text = None,
        tenant_id: Annotated[str | None, Query(alias="tenantId", max_length=100)] = None,
        from_: Annotated[AwareDatetime | None, Query(alias="from")] = None,
        to: Annotated[AwareDatetime | None, Query()] = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Envelope[Page[AuditEntry]]:
        """Of a tenant's callers only what concerns their tenant."""
        texts = {"actor": actor, "action": action, "about": about, "tenantId": tenant_id}
        for field, text in texts.items():
            if text is not None and "\x00" in text:
                raise InvalidInput(field, "must not contain the NUL character")
        wanted = Wanted(
            tenant_id=caller.tenant_for(tenant_id),
            actor=actor,
            action=action,
            about=about,
            since=from_,
            until=to,
            before_id=None if cursor is None else after(cursor),
        )
        rows = await in_thread(engine, lambda c: audit.page(c, wanted, limit=limit + 1))
        return Envelope(data=page(rows, limit, _shown, lambda row: str(row["id"])))

    return router


def _shown(row: Mapping[str, Any]) -> AuditEntry:
    return AuditEntry.model_validate({**row, "id": str(row["id"])})
