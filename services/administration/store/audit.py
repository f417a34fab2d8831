"""What the audit trail says (IM-31); here it is only read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which entries; None: whichever."""

    tenant_id: str | None = None
    actor: str | None = None
    action: str | None = None
    about: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before_id: int | None = None
    """Where the page before it ended: the newest stand first."""


_ENTRIES = "SELECT id, at, actor, tenant_id, action, about, changes, correlation_id FROM audit_log"
_FILTERS = {
    "tenant_id": "tenant_id = :tenant_id",
    "actor": "actor = :actor",
    "action": "action = :action",
    "about": "about = :about",
    "since": "at >= :since",
    "until": "at < :until",
    "before_id": "id < :before_id",
}


def page(connection: sa.Connection, wanted: Wanted, *, limit: int) -> list[Mapping[str, Any]]:
    """Return the entries, the newest first."""
    asked = {name: getattr(wanted, name) for name in _FILTERS}
    given = {name: value for name, value in asked.items() if value is not None}
    where = " AND ".join(["true", *(_FILTERS[name] for name in given)])
    query = f"{_ENTRIES} WHERE {where} ORDER BY id DESC LIMIT :limit"
    rows = connection.execute(sa.text(query), {**given, "limit": limit}).mappings()
    return [dict(row) for row in rows]
