"""Templates of push contents: the two that everybody has, and a tenant's own (PV-11, IM-41)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa


@dataclass(frozen=True, slots=True)
class Template:
    """One row."""

    template_id: str
    name: str
    content: dict[str, Any]
    """As the API shows it."""
    built_in: bool


@dataclass(frozen=True, slots=True)
class NewTemplate:
    """A template to be stored."""

    template_id: str
    name: str
    content: dict[str, Any]
    creator: str
    created_at: datetime
    tenant_id: str | None


def seen_by(connection: sa.Connection, tenant_id: str | None) -> list[Template]:
    """Return the templates a tenant may use, built-in ones first; None: everybody's."""
    rows = connection.execute(
        sa.text(
            """
            SELECT template_id, name, content, built_in FROM t_preview_templates
            WHERE built_in OR CAST(:tenant_id AS text) IS NULL OR tenant_id = :tenant_id
            ORDER BY built_in DESC, created_at, template_id
            """
        ),
        {"tenant_id": tenant_id},
    )
    return [_template(row) for row in rows]


def lock(connection: sa.Connection, template_id: str, tenant_id: str | None) -> Template | None:
    """Return a template that the tenant may use, locked."""
    row = connection.execute(
        sa.text(
            """
            SELECT template_id, name, content, built_in FROM t_preview_templates
            WHERE template_id = :template_id
                AND (built_in OR CAST(:tenant_id AS text) IS NULL OR tenant_id = :tenant_id)
            FOR UPDATE
            """
        ),
        {"template_id": template_id, "tenant_id": tenant_id},
    ).first()
    return None if row is None else _template(row)


def count_own(connection: sa.Connection, tenant_id: str | None) -> int:
    """Return how many templates of its own a tenant has."""
    return connection.execute(
        sa.text(
            """
            SELECT count(*) FROM t_preview_templates
            WHERE NOT built_in AND tenant_id IS NOT DISTINCT FROM CAST(:tenant_id AS text)
            """
        ),
        {"tenant_id": tenant_id},
    ).scalar_one()


def insert(connection: sa.Connection, template: NewTemplate) -> None:
    """Store a template."""
    connection.execute(
        sa.text(
            """
            INSERT INTO t_preview_templates
                (template_id, name, content, creator, created_at, tenant_id)
            VALUES (:template_id, :name, CAST(:content AS jsonb), :creator, :created_at,
                    :tenant_id)
            """
        ),
        {
            "template_id": template.template_id,
            "name": template.name,
            "content": msgspec.json.encode(template.content).decode(),
            "creator": template.creator,
            "created_at": template.created_at,
            "tenant_id": template.tenant_id,
        },
    )


def rename(connection: sa.Connection, template_id: str, name: str) -> None:
    """Give a template another name."""
    connection.execute(
        sa.text("UPDATE t_preview_templates SET name = :name WHERE template_id = :template_id"),
        {"template_id": template_id, "name": name},
    )


def delete(connection: sa.Connection, template_id: str) -> None:
    """Delete a template."""
    connection.execute(
        sa.text("DELETE FROM t_preview_templates WHERE template_id = :template_id"),
        {"template_id": template_id},
    )


def _template(row: sa.Row[tuple[Any, ...]]) -> Template:
    return Template(row.template_id, row.name, row.content, row.built_in)
