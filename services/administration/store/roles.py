"""Roles: names of sets of permissions."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa


@dataclass(frozen=True, slots=True)
class Role:
    """A role; without a tenant it is everybody's."""

    role_id: int
    tenant_id: str | None
    name: str
    permissions: Sequence[str]
    is_built_in: bool
    disabled_at: datetime | None


_ROLE = "SELECT role_id, tenant_id, name, permissions, is_built_in, disabled_at FROM roles"


def keep_built_in(
    connection: sa.Connection, built_in: Mapping[str, Collection[str]], *, now: datetime
) -> None:
    """Have the built-in roles be as this version of ours says."""
    for name in sorted(built_in):
        connection.execute(
            sa.text(
                """
                INSERT INTO roles AS r (name, permissions, is_built_in, created_at)
                VALUES (:name, :permissions, true, :now)
                ON CONFLICT ON CONSTRAINT roles_name_key DO UPDATE
                    SET permissions = excluded.permissions, is_built_in = true
                    WHERE r.permissions <> excluded.permissions OR NOT r.is_built_in
                """
            ),
            {"name": name, "permissions": sorted(built_in[name]), "now": now},
        )


def find(connection: sa.Connection, role_id: int, tenant_id: str | None) -> Role | None:
    """Return the role, locked; with a tenant, only its own and everybody's."""
    row = (
        connection.execute(
            sa.text(
                f"""
            {_ROLE} WHERE role_id = :role_id
                AND (CAST(:tenant_id AS text) IS NULL
                    OR coalesce(tenant_id, :tenant_id) = :tenant_id)
            FOR UPDATE
            """
            ),
            {"role_id": role_id, "tenant_id": tenant_id},
        )
        .mappings()
        .one_or_none()
    )
    return None if row is None else Role(**row)


def built_in_id(connection: sa.Connection, name: str) -> int:
    """Return the id of a built-in role."""
    return connection.execute(
        sa.text("SELECT role_id FROM roles WHERE name = :name AND tenant_id IS NULL"),
        {"name": name},
    ).scalar_one()


def page(connection: sa.Connection, tenant_id: str | None, *, after: int, limit: int) -> list[Role]:
    """Return the roles with ids beyond ``after``; with a tenant, its own and everybody's."""
    rows = connection.execute(
        sa.text(
            f"""
            {_ROLE} WHERE role_id > :after
                AND (CAST(:tenant_id AS text) IS NULL
                    OR coalesce(tenant_id, :tenant_id) = :tenant_id)
            ORDER BY role_id LIMIT :limit
            """
        ),
        {"tenant_id": tenant_id, "after": after, "limit": limit},
    ).mappings()
    return [Role(**row) for row in rows]


def insert(
    connection: sa.Connection,
    tenant_id: str | None,
    name: str,
    permissions: Collection[str],
    *,
    now: datetime,
) -> int | None:
    """Store a role and return its id; None where there is one of this name."""
    return connection.execute(
        sa.text(
            """
            INSERT INTO roles (tenant_id, name, permissions, created_at)
            VALUES (:tenant_id, :name, :permissions, :now)
            ON CONFLICT DO NOTHING RETURNING role_id
            """
        ),
        {
            "tenant_id": tenant_id,
            "name": name,
            "permissions": sorted(permissions),
            "now": now,
        },
    ).scalar_one_or_none()


def change(connection: sa.Connection, role: Role) -> bool:
    """Store the role's fields; False where another one has the name."""
    changed = connection.execute(
        sa.text(
            """
            UPDATE roles SET name = :name, permissions = :permissions, disabled_at = :disabled_at
            WHERE role_id = :role_id AND NOT EXISTS (
                SELECT 1 FROM roles o WHERE o.role_id <> :role_id AND o.name = :name
                    AND o.tenant_id IS NOT DISTINCT FROM :tenant_id
            )
            """
        ),
        {
            "role_id": role.role_id,
            "tenant_id": role.tenant_id,
            "name": role.name,
            "permissions": sorted(role.permissions),
            "disabled_at": role.disabled_at,
        },
    )
    return changed.rowcount > 0
