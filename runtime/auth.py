"""Who calls, and what they may do: the one check of every service's API (AU-02, AU-03, IM-29)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

import jwt
from fastapi import Request
from pydantic import SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from runtime.errors import Forbidden, Unauthorized

SHORTEST_KEY: Final = 32
"""Characters; `openssl rand -hex 32` makes 64."""
_ALGORITHM: Final = "HS256"


class Permission(StrEnum):
    """What somebody may do. Those of `workbench:` are the seeds' own words (AU-03)."""

    MESSAGES_SEND = "messages:send"
    MESSAGES_VIEW = "messages:view"
    JOBS_RUN = "jobs:run"
    JOBS_VIEW = "jobs:view"
    TASKS_EDIT = "tasks:edit"
    TASKS_VIEW = "tasks:view"
    STATISTICS_VIEW = "statistics:view"
    MEDIA_UPLOAD = "media:upload"
    EVENTS_TRACK = "events:track"
    PEOPLE_ERASE = "people:erase"
    USERS_MANAGE = "users:manage"
    AUDIT_VIEW = "audit:view"
    GROUP_SEND_ACCOUNTS_VIEW = "workbench:wechat:group-send:accounts:view"
    CUSTOMER_TAGS_VIEW = "workbench:customer:tags:view"
    CUSTOMER_VIEW = "workbench:customer:view"
    GROUP_SEND_CREATE = "workbench:group-send:create"
    GROUP_SEND_TASKS_VIEW = "workbench:group-send:tasks:view"
    GROUP_SEND_TASK_VIEW = "workbench:group-send:task:view"


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever calls, as their token says."""

    user_id: str
    tenant_id: str | None
    """Whose data they see; None: everybody's, for those who run the system."""
    permissions: frozenset[str]


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


class Guard:
    """Checks tokens; one for each process."""

    def __init__(self, settings: AuthSettings) -> None:
        self._keys = settings.auth_keys

    def needs(self, permission: Permission) -> Callable[[Request], Awaitable[Caller]]:
        """Return the dependency of an endpoint that asks for this permission.

        Raises `Unauthorized` without a valid token, and `Forbidden` without the permission.
        """

        async def check(request: Request) -> Caller:
            caller = self.caller_of(request.headers.get("Authorization"))
            if permission not in caller.permissions:
                raise Forbidden(f"missing permission {permission}")
            return caller

        return check

    def caller_of(self, header: str | None) -> Caller:
        """Return who sent this `Authorization` header. Raises `Unauthorized`."""
        scheme, _, token = (header or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthorized("a bearer token is required")
        for key in self._keys:
            try:
                claims = jwt.decode(
                    token, key, algorithms=[_ALGORITHM], options={"require": ["exp", "sub"]}
                )
            except jwt.InvalidTokenError:
                continue
            return Caller(claims["sub"], claims.get("tenant"), frozenset(claims["permissions"]))
        raise Unauthorized("the token is not valid")


def issue(caller: Caller, *, until: datetime, key: str) -> str:
    """Return a token that says who they are."""
    claims = {
        "sub": caller.user_id,
        "tenant": caller.tenant_id,
        "permissions": sorted(caller.permissions),
        "exp": until,
    }
    return jwt.encode(claims, key, algorithm=_ALGORITHM)


def _keys(setting: SecretStr) -> tuple[str, ...]:
    return tuple(word.strip() for word in setting.get_secret_value().split(",") if word.strip())
