"""Templates of push contents: the two that everybody has, and a tenant's own (PV-11, IM-41)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from domain.tasks import PushContent
from runtime.vault import Vault
from services.scheduler.store.contents import (
    PUSHED,
    content_of,
    picture_of,
    plain_of,
    read,
    seal,
)


@dataclass(frozen=True, slots=True)
class Template:
    """One row."""

    template_id: str
    name: str
    content: PushContent
    built_in: bool


@dataclass(frozen=True, slots=True)
class NewTemplate:
    """A template to be stored."""

    template_id: str
    name: str
    content: PushContent
    creator: str
    created_at: datetime
    tenant_id: str | None


def seen_by(connection: sa.Connection, vault: Vault, tenant_id: str | None) -> list[Template]:
    """Return the templates a tenant may use, built-in ones first; None: everybody's."""
    rows = connection.execute(
        sa.text(
            """
            SELECT template_id, name, content, sealed, built_in FROM t_preview_templates
            WHERE built_in OR CAST(:tenant_id AS text) IS NULL OR tenant_id = :tenant_id
            ORDER BY built_in DESC, created_at, template_id
            """
        ),
        {"tenant_id": tenant_id},
    )
    return _templates(connection, vault, rows.all())


def lock(
    connection: sa.Connection, vault: Vault, template_id: str, tenant_id: str | None
) -> Template | None:
    """Return a template that the tenant may use, locked."""
    rows = connection.execute(
        sa.text(
            """
            SELECT template_id, name, content, sealed, built_in FROM t_preview_templates
            WHERE template_id = :template_id
                AND (built_in OR CAST(:tenant_id AS text) IS NULL OR tenant_id = :tenant_id)
            FOR UPDATE
            """
        ),
        {"template_id": template_id, "tenant_id": tenant_id},
    )
    return next(iter(_templates(connection, vault, rows.all())), None)


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


def insert(connection: sa.Connection, vault: Vault, template: NewTemplate) -> None:
    """Store a template."""
    said = [(template.tenant_id, plain_of(template.content))]
    connection.execute(
        sa.text(
            """
            INSERT INTO t_preview_templates
                (template_id, name, sealed, picture, creator, created_at, tenant_id)
            VALUES (:template_id, :name, :sealed, :picture, :creator, :created_at, :tenant_id)
            """
        ),
        {
            "template_id": template.template_id,
            "name": template.name,
            "sealed": seal(connection, vault, said, place=PUSHED)[0],
            "picture": picture_of(template.content),
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


def _templates(
    connection: sa.Connection, vault: Vault, rows: Sequence[sa.Row[tuple[Any, ...]]]
) -> list[Template]:
    said = read(connection, vault, ((row.content, row.sealed) for row in rows), place=PUSHED)
    return [
        Template(row.template_id, row.name, content_of(content), row.built_in)
        for row, content in zip(rows, said, strict=True)
    ]
