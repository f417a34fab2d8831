"""What an administrator may do to users, their keys, roles and tenants (AU-03, IM-29, IM-31).

A tenant's administrator sees their own tenant only, and nobody gives, takes or takes over what they
could not do themselves: else whoever makes users could make themselves everything.
"""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, NoReturn

import sqlalchemy as sa
from msgspec import UNSET

from runtime import audit
from runtime.audit import Action
from runtime.auth import API_KEY, Caller, Permission, reference_of
from runtime.bodies import usable_moment
from runtime.errors import Conflict, Forbidden, InvalidInput, NotFound
from schemas.http.accounts import (
    ChangeRole,
    ChangeTenant,
    ChangeUser,
    CreateKey,
    CreateRole,
    CreateTenant,
    CreateUser,
)
from services.administration.roles import must_cover
from services.administration.store import credentials, roles, tenants, users
from services.administration.store.credentials import Key
from services.administration.store.roles import Role
from services.administration.store.tenants import Tenant
from services.administration.store.users import User

NO_USER: Final = "User not found"
NO_ROLE: Final = "Role not found"
NO_TENANT: Final = "Tenant not found"

_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Desk:
    """One call: on whose behalf, in which transaction, when."""

    connection: sa.Connection
    caller: Caller
    now: datetime

    def create_user(self, body: CreateUser, password_hash: str | None) -> User:
        """Make a user."""
        if body.is_machine and body.password is not None:
            raise InvalidInput("password", "a machine has API keys instead")
        if not body.is_machine and body.password is None:
            raise InvalidInput("password", "is required")
        tenant_id = self._open_tenant(body.tenant_id)
        role = self._given_role(body.role_id, tenant_id)
        fields = {
            "wechat_id": body.wechat_id,
            "openid": body.openid,
            "name": body.name,
            "tenant_id": tenant_id,
            "role_id": role.role_id,
            "is_machine": body.is_machine,
        }
        user_id = users.insert(
            self.connection, {**fields, "password_hash": password_hash}, now=self.now
        )
        if user_id is None:
            raise Conflict("wechatId or openid: another user has it")
        created = {name: (None, value) for name, value in fields.items() if value is not None}
        self._note(Action.USER_CREATE, str(user_id), created, tenant_id)
        return self.user(user_id)

    def user(self, user_id: int) -> User:
        """Return a user that the caller may know of."""
        user = users.find(self.connection, user_id, self.caller.tenant_id)
        if user is None:
            raise NotFound(NO_USER)
        return user

    def change_user(self, user_id: int, body: ChangeUser, password_hash: str | None) -> User:
        """Change a user; another password, or being disabled, ends all their sessions."""
        before = self._mastered(user_id)
        after = before
        if body.name is not UNSET:
            after = replace(after, name=body.name)
        if body.openid is not UNSET:
            after = replace(after, openid=body.openid)
        if body.role_id is not UNSET:
            role = self._given_role(body.role_id, before.tenant_id)
            after = replace(after, role_id=role.role_id, role=role.name)
        if body.is_disabled is not UNSET:
            if body.is_disabled and str(user_id) == self.caller.user_id:
                raise Conflict("isDisabled: nobody disables themselves")
            after = replace(after, disabled_at=self._since(before.disabled_at, body.is_disabled))
        if not users.change(self.connection, after):
            raise Conflict("openid: another user has it")
        if password_hash is not None:
            if before.is_machine:
                raise InvalidInput("password", "a machine has API keys instead")
            users.set_password(self.connection, user_id, password_hash)
            self._note(Action.PASSWORD_CHANGE, str(user_id), {}, before.tenant_id)
        changes = audit.changed(_told_user(before), _told_user(after))
        if changes:
            self._note(Action.USER_CHANGE, str(user_id), changes, before.tenant_id)
        return after

    def create_key(self, user_id: int, body: CreateKey) -> tuple[int, str]:
        """Make an API key of a machine; return its id, and what is never shown again."""
        user = self._mastered(user_id)
        if not user.is_machine:
            raise Conflict("only machines have API keys: people sign in")
        expires_at = body.expires_at and usable_moment("expiresAt", body.expires_at)
        if expires_at is not None and expires_at <= self.now:
            raise InvalidInput("expiresAt", "must lie in the future")
        key = API_KEY + secrets.token_urlsafe(_KEY_BYTES)
        made = Key(0, body.name, self.now, expires_at, None)
        key_id = credentials.add_key(self.connection, user_id, reference_of(key), made)
        changes = {"keyId": (None, str(key_id)), "name": (None, body.name)}
        self._note(Action.KEY_CREATE, str(user_id), changes, user.tenant_id)
        return key_id, key

    def revoke_key(self, user_id: int, key_id: int) -> None:
        """Void an API key; voiding it twice is no mistake."""
        user = self._mastered(user_id)
        if all(key.key_id != key_id for key in credentials.keys_of(self.connection, user_id)):
            raise NotFound("Key not found")
        if credentials.revoke_key(self.connection, user_id, key_id, now=self.now):
            changes = {"keyId": (str(key_id), None)}
            self._note(Action.KEY_REVOKE, str(user_id), changes, user.tenant_id)

    def create_role(self, body: CreateRole) -> Role:
        """Make a role."""
        self._must_exist(body.permissions)
        must_cover(self.caller, body.permissions)
        tenant_id = self._open_tenant(body.tenant_id)
        permissions = sorted(set(body.permissions))
        role_id = roles.insert(self.connection, tenant_id, body.name, permissions, now=self.now)
        if role_id is None:
            _taken(body.name)
        created = {"name": (None, body.name), "permissions": (None, permissions)}
        self._note(Action.ROLE_CREATE, str(role_id), created, tenant_id)
        return self._role(role_id)

    def change_role(self, role_id: int, body: ChangeRole) -> Role:
        """Change a role: whoever has it, has what it says within seconds."""
        before = self._role(role_id)
        if before.is_built_in:
            raise Conflict("a built-in role stays as it is: make one of your own")
        if not self.caller.may_see(before.tenant_id):
            raise Forbidden("the role is every tenant's")
        must_cover(self.caller, before.permissions)
        after = before
        if body.name is not UNSET:
            after = replace(after, name=body.name)
        if body.permissions is not UNSET:
            self._must_exist(body.permissions)
            must_cover(self.caller, body.permissions)
            after = replace(after, permissions=sorted(set(body.permissions)))
        if body.is_disabled is not UNSET:
            after = replace(after, disabled_at=self._since(before.disabled_at, body.is_disabled))
        if not roles.change(self.connection, after):
            _taken(after.name)
        changes = audit.changed(_told_role(before), _told_role(after))
        if changes:
            self._note(Action.ROLE_CHANGE, str(role_id), changes, before.tenant_id)
        return after

    def create_tenant(self, body: CreateTenant) -> Tenant:
        """Make a tenant."""
        self._must_run_the_system()
        if not tenants.insert(self.connection, body.tenant_id, body.name, now=self.now):
            raise Conflict("tenantId: another tenant has it")
        created = {"name": (None, body.name)}
        self._note(Action.TENANT_CREATE, body.tenant_id, created, body.tenant_id)
        return Tenant(body.tenant_id, body.name, None)

    def change_tenant(self, tenant_id: str, body: ChangeTenant) -> Tenant:
        """Change a tenant; disabled, nobody of it is let in."""
        before = None
        if "\x00" not in tenant_id and self.caller.may_see(tenant_id):
            before = tenants.find(self.connection, tenant_id)
        if before is None:
            raise NotFound(NO_TENANT)
        self._must_run_the_system()
        after = before
        if body.name is not UNSET:
            after = replace(after, name=body.name)
        if body.is_disabled is not UNSET:
            after = replace(after, disabled_at=self._since(before.disabled_at, body.is_disabled))
        tenants.change(self.connection, after)
        changes = audit.changed(_told_tenant(before), _told_tenant(after))
        if changes:
            self._note(Action.TENANT_CHANGE, tenant_id, changes, tenant_id)
        return after

    def _mastered(self, user_id: int) -> User:
        """Return a user who can do nothing that the caller cannot."""
        user = self.user(user_id)
        must_cover(self.caller, user.permissions)
        return user

    def _role(self, role_id: int) -> Role:
        role = roles.find(self.connection, role_id, self.caller.tenant_id)
        if role is None:
            raise NotFound(NO_ROLE)
        return role

    def _given_role(self, role_id: str, tenant_id: str | None) -> Role:
        """Return the role that a user of the tenant is to have."""
        role = roles.find(self.connection, int(role_id), self.caller.tenant_id)
        if role is None or role.tenant_id not in (None, tenant_id) or role.disabled_at is not None:
            raise InvalidInput("roleId", "no such role")
        must_cover(self.caller, role.permissions)
        return role

    def _open_tenant(self, named: str | None) -> str | None:
        tenant_id = self.caller.tenant_for(named)
        if tenant_id is not None and tenants.find(self.connection, tenant_id) is None:
            raise InvalidInput("tenantId", "no such tenant")
        return tenant_id

    def _must_run_the_system(self) -> None:
        if self.caller.tenant_id is not None:
            raise Forbidden("tenants are for those who run the system")

    def _must_exist(self, permissions: list[str]) -> None:
        unknown = sorted(set(permissions) - {str(one) for one in Permission})
        if unknown:
            raise InvalidInput("permissions", f"no such permission: {unknown[0][:100]!r}")

    def _since(self, before: datetime | None, is_disabled: bool) -> datetime | None:  # noqa: FBT001 - a field's value
        return (before or self.now) if is_disabled else None

    def _note(
        self, action: Action, about: str, changes: audit.Changes, tenant_id: str | None
    ) -> None:
        audit.note(self.connection, self.caller, action, about, changes, tenant_id=tenant_id)


def _taken(name: str) -> NoReturn:
    raise Conflict(f"name: there is a role {name!r}")


def _told_user(user: User) -> dict[str, Any]:
    return {
        "name": user.name,
        "openid": user.openid,
        "role": user.role,
        "isDisabled": user.disabled_at is not None,
    }


def _told_role(role: Role) -> dict[str, Any]:
    return {
        "name": role.name,
        "permissions": sorted(role.permissions),
        "isDisabled": role.disabled_at is not None,
    }


def _told_tenant(tenant: Tenant) -> dict[str, Any]:
    return {"name": tenant.name, "isDisabled": tenant.disabled_at is not None}
