"""Users and the keys of machines (IM-29, IM-30)."""

from http import HTTPStatus
from typing import Annotated, Final

import msgspec
import sqlalchemy as sa
from fastapi import APIRouter, Depends, Request, Response

from runtime.auth import Caller, Guard, Permission
from runtime.bodies import decode, documented, read_body
from runtime.clock import Clock
from runtime.postgres import in_thread
from schemas.http.accounts import (
    ChangeUser,
    CreateKey,
    CreateUser,
    KeyCreated,
    KeyShown,
    Page,
    UserShown,
)
from schemas.http.envelope import Envelope
from services.administration.accounts import NO_USER, Desk
from services.administration.passwords import Passwords
from services.administration.routes.auth import LARGEST_BODY
from services.administration.routes.paging import Cursor, Limit, PathId, after, number, page
from services.administration.store import credentials, users
from services.administration.store.credentials import Key
from services.administration.store.users import User

_CREATE: Final = msgspec.json.Decoder(CreateUser)
_CHANGE: Final = msgspec.json.Decoder(ChangeUser)
_KEY: Final = msgspec.json.Decoder(CreateKey)


def routes(engine: sa.Engine, guard: Guard, passwords: Passwords, clock: Clock) -> APIRouter:
    """Return the endpoints."""
    router = APIRouter(prefix="/api/v1/users", tags=["users"])
    manager = Depends(guard.needs(Permission.USERS_MANAGE))

    @router.get("", summary="Users, in the order they were made")
    async def list_users(
        caller: Annotated[Caller, manager], cursor: Cursor = None, limit: Limit = 50
    ) -> Envelope[Page[UserShown]]:
        start = after(cursor)
        rows = await in_thread(
            engine, lambda c: users.page(c, caller.tenant_id, after=start, limit=limit + 1)
        )
        return Envelope(data=page(rows, limit, _shown, lambda user: str(user.user_id)))

    @router.post(
        "",
        summary="Make a user",
        status_code=HTTPStatus.CREATED,
        openapi_extra=documented(CreateUser),
    )
    async def create_user(
        request: Request, caller: Annotated[Caller, manager]
    ) -> Envelope[UserShown]:
        body = decode(_CREATE, await read_body(request, limit=LARGEST_BODY))
        hashed = None if body.password is None else await passwords.hash(body.password)
        made = await in_thread(engine, lambda c: Desk(c, caller, clock()).create_user(body, hashed))
        return Envelope(code=HTTPStatus.CREATED, data=_shown(made))

    @router.get("/{userId}", summary="One user")
    async def show_user(
        userId: PathId,  # noqa: N803 - the parameter's public name
        caller: Annotated[Caller, manager],
    ) -> Envelope[UserShown]:
        user_id = number(userId, NO_USER)
        return Envelope(
            data=_shown(await in_thread(engine, lambda c: Desk(c, caller, clock()).user(user_id)))
        )

    @router.patch(
        "/{userId}",
        summary="Change or disable a user; takes effect within seconds",
        openapi_extra=documented(ChangeUser),
    )
    async def change_user(
        request: Request,
        userId: PathId,  # noqa: N803 - the parameter's public name
        caller: Annotated[Caller, manager],
    ) -> Envelope[UserShown]:
        user_id = number(userId, NO_USER)
        body = decode(_CHANGE, await read_body(request, limit=LARGEST_BODY))
        given = body.password
        hashed = await passwords.hash(given) if isinstance(given, str) else None
        changed = await in_thread(
            engine, lambda c: Desk(c, caller, clock()).change_user(user_id, body, hashed)
        )
        return Envelope(data=_shown(changed))

    router.include_router(_keys(engine, guard, clock))
    return router


def _keys(engine: sa.Engine, guard: Guard, clock: Clock) -> APIRouter:
    router = APIRouter(prefix="/{userId}/keys")
    manager = Depends(guard.needs(Permission.USERS_MANAGE))

    @router.get("", summary="A machine's API keys, without what opens")
    async def list_keys(
        userId: PathId,  # noqa: N803 - the parameter's public name
        caller: Annotated[Caller, manager],
    ) -> Envelope[list[KeyShown]]:
        user_id = number(userId, NO_USER)

        def look(connection: sa.Connection) -> list[Key]:
            Desk(connection, caller, clock()).user(user_id)
            return credentials.keys_of(connection, user_id)

        return Envelope(data=[_shown_key(key) for key in await in_thread(engine, look)])

    @router.post(
        "",
        summary="Make an API key; it is shown this once",
        status_code=HTTPStatus.CREATED,
        openapi_extra=documented(CreateKey),
    )
    async def create_key(
        request: Request,
        userId: PathId,  # noqa: N803 - the parameter's public name
        caller: Annotated[Caller, manager],
    ) -> Envelope[KeyCreated]:
        user_id = number(userId, NO_USER)
        body = decode(_KEY, await read_body(request, limit=LARGEST_BODY))
        key_id, key = await in_thread(
            engine, lambda c: Desk(c, caller, clock()).create_key(user_id, body)
        )
        return Envelope(code=HTTPStatus.CREATED, data=KeyCreated(id=str(key_id), key=key))

    @router.delete(
        "/{keyId}", summary="Void an API key, everywhere", status_code=HTTPStatus.NO_CONTENT
    )
    async def revoke_key(
        userId: PathId,  # noqa: N803 - the parameter's public name
        keyId: PathId,  # noqa: N803 - the same
        caller: Annotated[Caller, manager],
    ) -> Response:
        user_id, key_id = number(userId, NO_USER), number(keyId, "Key not found")
        await in_thread(engine, lambda c: Desk(c, caller, clock()).revoke_key(user_id, key_id))
        return Response(status_code=HTTPStatus.NO_CONTENT)

    return router


def _shown(user: User) -> UserShown:
    return UserShown(
        id=str(user.user_id),
        wechat_id=user.wechat_id,
        openid=user.openid,
        name=user.name,
        tenant_id=user.tenant_id,
        role_id=str(user.role_id),
        role=user.role,
        is_machine=user.is_machine,
        is_disabled=user.disabled_at is not None,
        created_at=user.created_at,
    )


def _shown_key(key: Key) -> KeyShown:
    return KeyShown(
        id=str(key.key_id),
        name=key.name,
        created_at=key.created_at,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
    )
