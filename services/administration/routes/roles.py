"""Roles (AU-04, IM-29)."""

from http import HTTPStatus
from typing import Annotated, Final

import msgspec
import sqlalchemy as sa
from fastapi import APIRouter, Depends, Request

from runtime.auth import Caller, Guard, Permission
from runtime.bodies import decode, documented, read_body
from runtime.clock import Clock
from runtime.postgres import in_thread
from schemas.http.accounts import ChangeRole, CreateRole, Page, RoleShown
from schemas.http.envelope import Envelope
from services.administration.accounts import NO_ROLE, Desk
from services.administration.routes.auth import LARGEST_BODY
from services.administration.routes.paging import Cursor, Limit, PathId, after, number, page
from services.administration.store import roles
from services.administration.store.roles import Role

_CREATE: Final = msgspec.json.Decoder(CreateRole)
_CHANGE: Final = msgspec.json.Decoder(ChangeRole)


def routes(engine: sa.Engine, guard: Guard, clock: Clock) -> APIRouter:
    """Return the endpoints."""
    router = APIRouter(prefix="/api/v1/roles", tags=["roles"])
    manager = Depends(guard.needs(Permission.USERS_MANAGE))

    @router.get("", summary="Roles: one's own, and those that everybody has")
    async def list_roles(
        caller: Annotated[Caller, manager], cursor: Cursor = None, limit: Limit = 50
    ) -> Envelope[Page[RoleShown]]:
        start = after(cursor)
        rows = await in_thread(
            engine, lambda c: roles.page(c, caller.tenant_id, after=start, limit=limit + 1)
        )
        return Envelope(data=page(rows, limit, _shown, lambda role: str(role.role_id)))

    @router.post(
        "",
        summary="Make a role",
        status_code=HTTPStatus.CREATED,
        openapi_extra=documented(CreateRole),
    )
    async def create_role(
        request: Request, caller: Annotated[Caller, manager]
    ) -> Envelope[RoleShown]:
        body = decode(_CREATE, await read_body(request, limit=LARGEST_BODY))
        made = await in_thread(engine, lambda c: Desk(c, caller, clock()).create_role(body))
        return Envelope(code=HTTPStatus.CREATED, data=_shown(made))

    @router.patch(
        "/{roleId}",
        summary="Change or disable a role; takes effect within seconds",
        openapi_extra=documented(ChangeRole),
    )
    async def change_role(
        request: Request,
        roleId: PathId,  # noqa: N803 - the parameter's public name
        caller: Annotated[Caller, manager],
    ) -> Envelope[RoleShown]:
        role_id = number(roleId, NO_ROLE)
        body = decode(_CHANGE, await read_body(request, limit=LARGEST_BODY))
        changed = await in_thread(
            engine, lambda c: Desk(c, caller, clock()).change_role(role_id, body)
        )
        return Envelope(data=_shown(changed))

    return router


def _shown(role: Role) -> RoleShown:
    return RoleShown(
        id=str(role.role_id),
        tenant_id=role.tenant_id,
        name=role.name,
        permissions=list(role.permissions),
        is_built_in=role.is_built_in,
        is_disabled=role.disabled_at is not None,
    )
