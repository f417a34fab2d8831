"""Users: people who sign in, and machines that show keys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa


@dataclass(frozen=True, slots=True)
class Standing:
    """What signing in has to know of a user."""

    user_id: int
    version: int
    password_hash: str | None
    may_sign_in: bool
    """Neither the user nor the role nor the tenant is disabled."""


@dataclass(frozen=True, slots=True)
class User:
    """A user, without what opens."""

    user_id: int
    wechat_id: str
    openid: str | None
    name: str
    tenant_id: str | None
    role_id: int
    role: str
    permissions: Sequence[str]
    """Of the role."""
    is_machine: bool
    disabled_at: datetime | None
    created_at: datetime


_STANDING = """
    SELECT u.user_id, u.version, u.password_hash,
        u.disabled_at IS NULL AND r.disabled_at IS NULL AND t.disabled_at IS NULL AS may_sign_in
    FROM users u JOIN roles r USING (role_id) LEFT JOIN tenants t ON t.tenant_id = u.tenant_id
"""
_USER = """
    SELECT u.user_id, u.wechat_id, u.openid, u.name, u.tenant_id, u.role_id, r.name AS role,
        r.permissions, u.is_machine, u.disabled_at, u.created_at
    FROM users u JOIN roles r USING (role_id)
"""


def standing_of(connection: sa.Connection, wechat_id: str) -> Standing | None:
    """Return how the user of this name stands."""
    if "\x00" in wechat_id:
        return None
    return _standing(connection, "u.wechat_id = :who", wechat_id)


def standing(connection: sa.Connection, user_id: int) -> Standing | None:
    """Return how the user stands."""
    return _standing(connection, "u.user_id = :who", user_id)


def _standing(connection: sa.Connection, where: str, who: str | int) -> Standing | None:
    row = (
        connection.execute(sa.text(f"{_STANDING} WHERE {where}"), {"who": who})
        .mappings()
        .one_or_none()
    )
    return None if row is None else Standing(**row)


def find(connection: sa.Connection, user_id: int, tenant_id: str | None) -> User | None:
    """Return the user, locked; with a tenant, only one of its own."""
    row = (
        connection.execute(
            sa.text(
                f"""
            {_USER} WHERE u.user_id = :user_id
                AND (CAST(:tenant_id AS text) IS NULL OR u.tenant_id = :tenant_id)
            FOR UPDATE OF u
            """
            ),
            {"user_id": user_id, "tenant_id": tenant_id},
        )
        .mappings()
        .one_or_none()
    )
    return None if row is None else User(**row)


def page(connection: sa.Connection, tenant_id: str | None, *, after: int, limit: int) -> list[User]:
    """Return the users with ids beyond ``after``; with a tenant, only its own."""
    rows = connection.execute(
        sa.text(
            f"""
            {_USER} WHERE u.user_id > :after
                AND (CAST(:tenant_id AS text) IS NULL OR u.tenant_id = :tenant_id)
            ORDER BY u.user_id LIMIT :limit
            """
        ),
        {"tenant_id": tenant_id, "after": after, "limit": limit},
    ).mappings()
    return [User(**row) for row in rows]


def insert(connection: sa.Connection, fields: Mapping[str, Any], *, now: datetime) -> int | None:
    """Store a user and return the id; None where the WeChat ID or the openid has one."""
    return connection.execute(
        sa.text(
            """
            INSERT INTO users (
                wechat_id, openid, name, tenant_id, role_id, is_machine, password_hash, created_at
            ) VALUES (
                :wechat_id, :openid, :name, :tenant_id, :role_id, :is_machine, :password_hash, :now
            ) ON CONFLICT DO NOTHING RETURNING user_id
            """
        ),
        {**fields, "now": now},
    ).scalar_one_or_none()


def change(connection: sa.Connection, user: User) -> bool:
    """Store the user's fields; False where the openid is another user's.

    Whoever is disabled has no session any more, not even once they are enabled again.
    """
    changed = connection.execute(
        sa.text(
            """
            UPDATE users SET name = :name, openid = :openid, role_id = :role_id,
                disabled_at = :disabled_at,
                version = version
                    + CASE WHEN disabled_at IS NULL AND :disabled_at IS NOT NULL THEN 1 ELSE 0 END
            WHERE user_id = :user_id AND NOT EXISTS (
                SELECT 1 FROM users o WHERE o.openid = :openid AND o.user_id <> :user_id
            )
            """
        ).bindparams(sa.bindparam("disabled_at", type_=sa.DateTime(timezone=True))),
        {
            "user_id": user.user_id,
            "name": user.name,
            "openid": user.openid,
            "role_id": user.role_id,
            "disabled_at": user.disabled_at,
        },
    )
    return changed.rowcount > 0


def set_password(connection: sa.Connection, user_id: int, password_hash: str) -> None:
    """Store another password; every session of before ends."""
    connection.execute(
        sa.text(
            """
            UPDATE users SET password_hash = :password_hash, version = version + 1
            WHERE user_id = :user_id
            """
        ),
        {"user_id": user_id, "password_hash": password_hash},
    )
