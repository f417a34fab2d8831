"""Tenants: whose messages, jobs and users those are (IM-29)."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant; its id is the word that messages carry."""

    tenant_id: str
    name: str
    disabled_at: datetime | None


def find(connection: sa.Connection, tenant_id: str) -> Tenant | None:
    """Return the tenant, locked."""
    row = (
        connection.execute(
            sa.text(
                "SELECT tenant_id, name, disabled_at FROM tenants"
                " WHERE tenant_id = :tenant_id FOR UPDATE"
            ),
            {"tenant_id": tenant_id},
        )
        .mappings()
        .one_or_none()
    )
    return None if row is None else Tenant(**row)


def page(
    connection: sa.Connection, tenant_id: str | None, *, after: str, limit: int
) -> list[Tenant]:
    """Return the tenants with ids beyond ``after``; with a tenant, that one."""
    rows = connection.execute(
        sa.text(
            """
            SELECT tenant_id, name, disabled_at FROM tenants
            WHERE tenant_id > :after
                AND (CAST(:tenant_id AS text) IS NULL OR tenant_id = :tenant_id)
            ORDER BY tenant_id LIMIT :limit
            """
        ),
        {"tenant_id": tenant_id, "after": after, "limit": limit},
    ).mappings()
    return [Tenant(**row) for row in rows]


def insert(connection: sa.Connection, tenant_id: str, name: str, *, now: datetime) -> bool:
    """Store a tenant; False where there is one of this id."""
    stored = connection.execute(
        sa.text(
            """
            INSERT INTO tenants (tenant_id, name, created_at) VALUES (:tenant_id, :name, :now)
            ON CONFLICT DO NOTHING
            """
        ),
        {"tenant_id": tenant_id, "name": name, "now": now},
    )
    return stored.rowcount > 0


def change(connection: sa.Connection, tenant: Tenant) -> None:
    """Store the tenant's fields."""
    connection.execute(
        sa.text(
            "UPDATE tenants SET name = :name, disabled_at = :disabled_at"
            " WHERE tenant_id = :tenant_id"
        ),
        {
            "tenant_id": tenant.tenant_id,
            "name": tenant.name,
            "disabled_at": tenant.disabled_at,
        },
    )
