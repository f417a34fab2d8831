"""Who calls, and what they may do: the one check of every service's API (AU-02, AU-03, IM-29).

A bearer is a session's token, an API key, or a token that stands for itself: signed by whoever has
the key, with all it says in it, good until it expires. What the first two may do is asked of the
database (`runtime/credentials.py`).
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from time import time
from typing import Annotated, Any, Final
from uuid import uuid4

import jwt
import sqlalchemy as sa
from fastapi import Request, Security, WebSocket
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from starlette.requests import HTTPConnection

from runtime.callers import Caller, Permission
from runtime.credentials import FRESH, Roll
from runtime.errors import DatabaseAway, Forbidden, Unauthorized

__all__ = ["AuthSettings", "Caller", "Guard", "Permission", "issue"]

SHORTEST_KEY: Final = 32
"""Characters; `openssl rand -hex 32` makes 64."""
API_KEY: Final = "stk_"
"""How keys of machines begin: whoever finds one knows what it opens."""
TICKET_LASTS: Final = timedelta(seconds=30)
SUBPROTOCOL: Final = "bearer"
"""A WebSocket's subprotocols: this word, then the token. The answer names the word."""

_ALGORITHM: Final = "HS256"
_TICKET: Final = "ticket"
_REMEMBERED: Final = 10_000
_LONGEST: Final = 4_096
"""Characters of a bearer: none of ours is half as long."""
_CORRELATION: Final = re.compile(r"[\w.:-]{1,100}", re.ASCII)
_BEARER: Final = HTTPBearer(
    scheme_name="bearer",
    description="The token of `POST /api/auth/login`, or an API key.",
    auto_error=False,
)


class AuthSettings(BaseSettings):
    """Each field is the environment variable of the same name."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    auth_signing_keys: SecretStr
    """Comma-separated: the first signs tokens, all are accepted."""

    @field_validator("auth_signing_keys")
    @classmethod
    def _are_long(cls, given: SecretStr) -> SecretStr:
        keys = _keys(given)
        if not keys or any(len(key) < SHORTEST_KEY for key in keys):
            raise ValueError(f"each key must have at least {SHORTEST_KEY} characters")
        return given

    @property
    def auth_keys(self) -> tuple[str, ...]:
        """All accepted keys, the one that signs first."""
        return _keys(self.auth_signing_keys)


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a bearer says by itself."""

    caller: Caller
    """Without permissions where there is a credential to ask for."""
    until: float
    """The Unix time from which it is nothing any more."""
    is_ticket: bool = False


class Guard:
    """Checks who calls; one for each process. Making it connects to nothing."""

    def __init__(self, settings: AuthSettings, engine: sa.Engine) -> None:
        self._keys = settings.auth_keys
        self._roll = Roll(engine)
        self._read = lru_cache(_REMEMBERED)(self._decoded)

    def needs(self, permission: Permission) -> Callable[..., Awaitable[Caller]]:
        """Return the dependency of an endpoint that asks for this permission.

        Raises `Unauthorized` without a valid token, and `Forbidden` without the permission.
        """

        async def check(
            request: Request,
            _: Annotated[
                HTTPAuthorizationCredentials | None, Security(_BEARER, scopes=[permission])
            ],
        ) -> Caller:
            caller = await self._known(_bearer(request), permission)
            return replace(caller, correlation_id=_correlation_id(request))

        return check

    def signed_in(self) -> Callable[..., Awaitable[Caller]]:
        """Return the dependency of an endpoint that is for everybody we know."""

        async def check(
            request: Request,
            _: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
        ) -> Caller:
            caller = await self.caller_of(_bearer(request))
            return replace(caller, correlation_id=_correlation_id(request))

        return check

    def needs_for_stream(self, permission: Permission) -> Callable[..., Awaitable[Caller]]:
        """Return the same as `needs` for an EventSource, which may show `?ticket=` instead."""

        async def check(
            request: Request,
            _: Annotated[
                HTTPAuthorizationCredentials | None, Security(_BEARER, scopes=[permission])
            ],
            ticket: str | None = None,
        ) -> Caller:
            shown = _bearer(request) or ticket
            return await self._known(shown, permission, by_ticket=shown == ticket)

        return check

    async def socket_caller(self, socket: WebSocket, permission: Permission) -> Caller:
        """Return who opens a WebSocket: by header, by subprotocol, or by `?ticket=`.

        Call it before `accept`, and accept with `subprotocol(socket)`. Raises `Unauthorized` or
        `Forbidden`, which our error handlers answer with 401 and 403 in place of the handshake.
        """
        offered: list[str] = socket.scope.get("subprotocols", [])
        by_protocol = offered[1] if offered[:1] == [SUBPROTOCOL] and len(offered) > 1 else None
        shown = _bearer(socket) or by_protocol
        if shown is not None:
            return await self._known(shown, permission)
        return await self._known(socket.query_params.get("ticket"), permission, by_ticket=True)

    async def until_gone(
        self,
        caller: Caller,
        permission: Permission,
        told: Callable[[Caller], None] = lambda _: None,
    ) -> None:
        """Return once they may no longer: their session ended, or the permission went.

        For what lasts, as a WebSocket does; a token that stands for itself is good for all of it.
        ``told`` is told who they are whenever what they may do has changed.
        """
        while caller.credential is not None:
            await asyncio.sleep(FRESH.total_seconds())
            try:
                holder = await self._roll.holder(caller.credential)
            except DatabaseAway:
                continue
            if holder is None or permission not in holder.permissions:
                return
            if holder.tenant_id != caller.tenant_id:
                return
            if holder.permissions != caller.permissions:
                caller = holder
                told(holder)
        await asyncio.Event().wait()

    async def caller_of(self, shown: str | None, *, by_ticket: bool = False) -> Caller:
        """Return whose token or key it is. Raises `Unauthorized`."""
        if not shown:
            raise Unauthorized("a bearer token is required")
        if len(shown) > _LONGEST:
            raise Unauthorized("the token is not valid")
        known = self._read(shown)
        if known.until <= time():
            raise Unauthorized("the token has expired")
        if known.is_ticket is not by_ticket:
            raise Unauthorized("the token is not valid")
        if known.caller.credential is None:
            return known.caller
        holder = await self._roll.holder(known.caller.credential)
        if holder is None:
            raise Unauthorized("the token is not valid any more")
        return holder

    def ticket(self, caller: Caller) -> str:
        """Return what opens one stream as the caller, for `TICKET_LASTS`.

        For browsers, whose streams carry no header: a ticket may stand in an address, since
        whoever finds it there later finds it void.
        """
        claims = _claims(caller) | {"exp": datetime.now(UTC) + TICKET_LASTS, "use": _TICKET}
        return jwt.encode(claims, self._keys[0], algorithm=_ALGORITHM)

    async def _known(
        self, shown: str | None, permission: Permission, *, by_ticket: bool = False
    ) -> Caller:
        caller = await self.caller_of(shown, by_ticket=by_ticket)
        if permission not in caller.permissions:
            raise Forbidden(f"missing permission {permission}")
        return caller

    def _decoded(self, shown: str) -> _Shown:
        if shown.startswith(API_KEY):
            return _Shown(Caller("", None, frozenset(), reference_of(shown)), float("inf"))
        for key in self._keys:
            try:
                claims = jwt.decode(
                    shown, key, algorithms=[_ALGORITHM], options={"require": ["exp", "sub"]}
                )
            except jwt.ExpiredSignatureError:
                raise Unauthorized("the token has expired") from None
            except jwt.InvalidTokenError:
                continue
            return _shown(claims)
        raise Unauthorized("the token is not valid")


def issue(caller: Caller, *, until: datetime, key: str) -> str:
    """Return a token that says who they are.

    With a credential what they may do is asked of the database; without one it is in the token.
    """
    return jwt.encode(_claims(caller) | {"exp": until}, key, algorithm=_ALGORITHM)


def reference_of(api_key: str) -> str:
    """Return what is stored of a key: it is long and random, so that no salt is needed."""
    return sha256(api_key.encode()).hexdigest()


def subprotocol(socket: WebSocket) -> str | None:
    """Return what `accept` has to name: browsers drop a connection that names none of theirs."""
    offered: list[str] = socket.scope.get("subprotocols", [])
    return SUBPROTOCOL if SUBPROTOCOL in offered else None


def _claims(caller: Caller) -> dict[str, Any]:
    if caller.credential is not None:
        return {"sub": caller.user_id, "jti": caller.credential}
    permissions = sorted(caller.permissions)
    return {"sub": caller.user_id, "tenant": caller.tenant_id, "permissions": permissions}


def _shown(claims: dict[str, Any]) -> _Shown:
    reference = claims.get("jti")
    caller = Caller(
        claims["sub"], claims.get("tenant"), frozenset(claims.get("permissions", ())), reference
    )
    return _Shown(caller, float(claims["exp"]), claims.get("use") == _TICKET)


def _bearer(connection: HTTPConnection) -> str | None:
    scheme, _, shown = connection.headers.get("Authorization", "").partition(" ")
    return shown if scheme.lower() == "bearer" else None


def _correlation_id(request: Request) -> str:
    given = request.headers.get("X-Correlation-Id", "")
    return given if _CORRELATION.fullmatch(given) else uuid4().hex


def _keys(setting: SecretStr) -> tuple[str, ...]:
    return tuple(word.strip() for word in setting.get_secret_value().split(",") if word.strip())
