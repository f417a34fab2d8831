"""Tenants (IM-29)."""

from http import HTTPStatus
from typing import Annotated, Final

import msgspec
import sqlalchemy as sa
from fastapi import APIRouter, Depends, Request

from runtime.auth import Caller, Guard, Permission
from runtime.bodies import decode, documented, read_body
from runtime.clock import Clock
from runtime.errors import InvalidInput
from runtime.postgres import in_thread
from schemas.http.accounts import ChangeTenant, CreateTenant, Page, TenantShown
from schemas.http.envelope import Envelope
from services.administration.accounts import Desk
from services.administration.routes.auth import LARGEST_BODY
from services.administration.routes.paging import Cursor, Limit, PathId, page
from services.administration.store import tenants
from services.administration.store.tenants import Tenant

_CREATE: Final = msgspec.json.Decoder(CreateTenant)
_CHANGE: Final = msgspec.json.Decoder(ChangeTenant)


def routes(engine: sa.Engine, guard: Guard, clock: Clock) -> APIRouter:
    """Return the endpoints."""
    router = APIRouter(prefix="/api/v1/tenants", tags=["tenants"])
    manager = Depends(guard.needs(Permission.USERS_MANAGE))

    @router.get("", summary="Tenants; of a tenant's administrator that one")
    async def list_tenants(
        caller: Annotated[Caller, manager], cursor: Cursor = None, limit: Limit = 50
    ) -> Envelope[Page[TenantShown]]:
        start = cursor or ""
        if "\x00" in start:
            raise InvalidInput("cursor", "is none of ours")
        rows = await in_thread(
            engine, lambda c: tenants.page(c, caller.tenant_id, after=start, limit=limit + 1)
        )
        return Envelope(data=page(rows, limit, _shown, lambda tenant: tenant.tenant_id))

    @router.post(
        "",
        summary="Make a tenant",
        status_code=HTTPStatus.CREATED,
        openapi_extra=documented(CreateTenant),
    )
    async def create_tenant(
        request: Request, caller: Annotated[Caller, manager]
    ) -> Envelope[TenantShown]:
        body = decode(_CREATE, await read_body(request, limit=LARGEST_BODY))
        made = await in_thread(engine, lambda c: Desk(c, caller, clock()).create_tenant(body))
        return Envelope(code=HTTPStatus.CREATED, data=_shown(made))

    @router.patch(
        "/{tenantId}",
        summary="Change or disable a tenant; takes effect within seconds",
        openapi_extra=documented(ChangeTenant),
    )
    async def change_tenant(
        request: Request,
        tenantId: PathId,  # noqa: N803 - the parameter's public name
        caller: Annotated[Caller, manager],
    ) -> Envelope[TenantShown]:
        body = decode(_CHANGE, await read_body(request, limit=LARGEST_BODY))
        changed = await in_thread(
            engine, lambda c: Desk(c, caller, clock()).change_tenant(tenantId, body)
        )
        return Envelope(data=_shown(changed))

    return router


def _shown(tenant: Tenant) -> TenantShown:
    return TenantShown(
        id=tenant.tenant_id, name=tenant.name, is_disabled=tenant.disabled_at is not None
    )
