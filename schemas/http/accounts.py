"""Bodies and answers of signing in, and of those who manage users (AU-01, IM-29, IM-30).

Ids are numbers shown as strings (CF-28). The bodies are described with msgspec: they are read by
hand, after it is known who sends them.
"""

from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec import UNSET, UnsetType
from pydantic import AwareDatetime, Field

from schemas.http import asking
from schemas.http.envelope import Shape
from schemas.topics.records import Command, ContextId, Moment

T = TypeVar("T")

Id = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,18}$(?!\n)", description="A number.")]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=r"^[^\x00]*$")]
WechatId = Annotated[
    str, msgspec.Meta(pattern=r"^[A-Za-z0-9_@.+-]{1,100}$(?!\n)", description="To sign in with.")
]
Openid = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$(?!\n)")]
TenantId = Annotated[ContextId, msgspec.Meta(pattern=r"^[^\x00-\x1f]*$(?!\n)")]
NewPassword = Annotated[
    str, msgspec.Meta(min_length=12, max_length=256, description="At least 12 characters.")
]
AnyPassword = Annotated[str, msgspec.Meta(max_length=256)]
Permissions = Annotated[list[str], msgspec.Meta(max_length=100)]


class Login(Command, frozen=True, kw_only=True, rename="camel"):
    """Sign in (AU-01)."""

    wechat_id: Annotated[str, msgspec.Meta(max_length=256)]
    password: AnyPassword


class ChangePassword(Command, frozen=True, kw_only=True, rename="camel"):
    """Give oneself another password."""

    current_password: AnyPassword
    new_password: NewPassword


class CreateUser(Command, frozen=True, kw_only=True, rename="camel"):
    """A person with a password, or a machine that gets API keys."""

    wechat_id: WechatId
    name: Name
    role_id: Id
    tenant_id: TenantId | None = None
    """Whose data they see; without it, where the caller has none either: everybody's."""
    openid: Openid | None = None
    password: NewPassword | None = None
    is_machine: bool = False


class ChangeUser(Command, frozen=True, kw_only=True, rename="camel"):
    """What is not named stays."""

    name: Name | UnsetType = UNSET
    role_id: Id | UnsetType = UNSET
    openid: Openid | UnsetType | None = UNSET
    password: NewPassword | UnsetType = UNSET
    is_disabled: bool | UnsetType = UNSET


class CreateKey(Command, frozen=True, kw_only=True, rename="camel"):
    """A key for a machine."""

    name: Name
    expires_at: Moment | None = None
    """Without it: until it is revoked."""


class CreateRole(Command, frozen=True, kw_only=True, rename="camel"):
    """A name for a set of permissions."""

    name: Name
    permissions: Permissions
    tenant_id: TenantId | None = None
    """Whose role it is; without it, where the caller has none either: every tenant's."""


class ChangeRole(Command, frozen=True, kw_only=True, rename="camel"):
    """What is not named stays."""

    name: Name | UnsetType = UNSET
    permissions: Permissions | UnsetType = UNSET
    is_disabled: bool | UnsetType = UNSET


class CreateTenant(Command, frozen=True, kw_only=True, rename="camel"):
    """A tenant; its id is the word that messages carry."""

    tenant_id: TenantId
    name: Name


class ChangeTenant(Command, frozen=True, kw_only=True, rename="camel"):
    """What is not named stays."""

    name: Name | UnsetType = UNSET
    is_disabled: bool | UnsetType = UNSET


class LoggedInUser(Shape):
    """Who signed in (AU-01)."""

    id: str


class LoginAnswer(Shape):
    """AU-01's answer, exactly."""

    token: str
    user: LoggedInUser


class Me(Shape):
    """Who calls, as we see them."""

    id: str
    tenant_id: str | None
    permissions: list[str]
    wechat_id: str | None = None
    """This and what follows: null for a token that stands for itself."""
    name: str | None = None
    role: str | None = None


class Ticket(Shape):
    """What opens one stream."""

    ticket: str
    expires_in_seconds: int


class Page(Shape, Generic[T]):
    """A part of a list."""

    items: list[T]
    next_cursor: str | None = None
    """For the next part; null after the last."""


class UserShown(Shape):
    """A user."""

    id: str
    wechat_id: str
    openid: str | None
    name: str
    tenant_id: str | None
    role_id: str
    role: str
    is_machine: bool
    is_disabled: bool
    created_at: AwareDatetime


class KeyShown(Shape):
    """An API key, without what opens."""

    id: str
    name: str
    created_at: AwareDatetime
    expires_at: AwareDatetime | None
    revoked_at: AwareDatetime | None


class KeyCreated(Shape):
    """The one time that the key is shown."""

    id: str
    key: str


class RoleShown(Shape):
    """A role."""

    id: str
    tenant_id: str | None
    name: str
    permissions: list[str]
    is_built_in: bool
    """Of every installation; nobody changes it."""
    is_disabled: bool


class TenantShown(Shape):
    """A tenant."""

    id: str
    name: str
    is_disabled: bool


_Filter = Annotated[str | None, Field(max_length=100, pattern=r"^[^\x00]*$")]


class AuditQuestion(Shape):
    """Which entries of the trail."""

    actor: _Filter = None
    action: _Filter = None
    about: _Filter = None
    tenant_id: _Filter = None
    from_: Annotated[asking.Moment | None, Field(alias="from")] = None
    to: asking.Moment | None = None
    cursor: Annotated[str | None, Field(max_length=100)] = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class AuditEntry(Shape):
    """Who did what, when (IM-31)."""

    id: str
    at: AwareDatetime
    actor: str
    """A user's id, or `cli:` and who was at the terminal."""
    tenant_id: str | None
    action: str
    about: str
    changes: dict[str, list[Any]]
    """By field: what it was, and what it is now."""
    correlation_id: str | None
