"""``GET /api/v1/audit``: who changed what, when (IM-31)."""

from collections.abc import Mapping
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query

from runtime.auth import Caller, Guard, Permission
from runtime.postgres import in_thread
from schemas.http.accounts import AuditEntry, AuditQuestion, Page
from schemas.http.envelope import Envelope
from services.administration.routes.paging import after, page
from services.administration.store import audit
from services.administration.store.audit import Wanted


def routes(engine: sa.Engine, guard: Guard) -> APIRouter:
    """Return the endpoint."""
    router = APIRouter(prefix="/api/v1/audit", tags=["audit"])

    @router.get("", summary="Who changed what, the newest first")
    async def list_entries(
        caller: Annotated[Caller, Depends(guard.needs(Permission.AUDIT_VIEW))],
        asked: Annotated[AuditQuestion, Query()],
    ) -> Envelope[Page[AuditEntry]]:
        """Of a tenant's callers only what concerns their tenant."""
        wanted = Wanted(
            tenant_id=caller.tenant_for(asked.tenant_id),
            actor=asked.actor,
            action=asked.action,
            about=asked.about,
            since=asked.from_,
            until=asked.to,
            before_id=None if asked.cursor is None else after(asked.cursor),
        )
        limit = asked.limit
        rows = await in_thread(engine, lambda c: audit.page(c, wanted, limit=limit + 1))
        return Envelope(data=page(rows, limit, _shown, lambda row: str(row["id"])))

    return router


def _shown(row: Mapping[str, Any]) -> AuditEntry:
    return AuditEntry.model_validate({**row, "id": str(row["id"])})
