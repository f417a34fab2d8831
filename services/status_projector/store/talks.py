"""Finds conversations page by page: those with unread messages first, or by time alone (IM-27)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from runtime.vault import Person
from services.status_projector.cursors import Cursor

Row = Mapping[str, Any]

UNREAD: Final = 0
"""The cursor's group of those with unread messages; they come first."""
REST: Final = 1

_COLUMNS: Final = """c.conversation_id, c.channel, c.sender_id, c.person, c.tenant_id,
    c.contact_id, c.order_id, c.unread, c.last_at, c.last_direction, c.last_message_id"""
_CONDITION_OF: Final[Mapping[int | None, str]] = {UNREAD: "c.unread > 0", REST: "c.unread = 0"}


def exists(connection: sa.Connection, conversation_id: str, tenant_id: str | None) -> bool:
    """Return whether there is such a conversation, for this tenant where one is named."""
    statement = "SELECT tenant_id FROM conversations WHERE conversation_id = :conversation_id"
    row = connection.execute(sa.text(statement), {"conversation_id": conversation_id}).first()
    return row is not None and tenant_id in (None, row.tenant_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Which conversations."""

    equal: Mapping[str, str]
    """What their columns must be."""
    about: Mapping[str, str]
    """What columns of one of their messages must be: somebody may have had more than one order."""
    people: Sequence[Person] | None
    """Whom they may be with; None: anybody."""


def find(
    connection: sa.Connection,
    sought: Sought,
    behind: Cursor[str] | None,
    limit: int,
    *,
    group: int | None,
) -> list[Row]:
    """Return a page of one group, of all without one: newest first, each with its last message."""
    conditions, values = _conditions(sought)
    values["limit"] = limit
    if group is not None:
        conditions.append(_CONDITION_OF[group])
    if behind is not None:
        conditions.append("(c.last_at, c.conversation_id) < (:behind_at, :behind_id)")
        values |= {"behind_at": behind.at, "behind_id": behind.id}
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    rows = connection.execute(
        sa.text(
            f"""
            SELECT l.*, m.message_id, m.message_type, m.delivery_status, m.sealed
            FROM (
                SELECT {_COLUMNS} FROM conversations c {where}
                ORDER BY c.last_at DESC, c.conversation_id DESC LIMIT :limit
            ) AS l LEFT JOIN messages m ON m.message_id = l.last_message_id
            ORDER BY l.last_at DESC, l.conversation_id DESC
            """  # noqa: S608 - our own words only
        ),
        values,
    )
    return [dict(row) for row in rows.mappings()]


def unread(connection: sa.Connection, sought: Sought) -> int:
    """Return how many messages are unread in all of them together."""
    conditions, values = _conditions(sought)
    where = " AND ".join([*conditions, "c.unread > 0"])
    statement = f"SELECT coalesce(sum(c.unread), 0) FROM conversations c WHERE {where}"  # noqa: S608 - our own words only
    return connection.execute(sa.text(statement), values).scalar_one()


def _conditions(sought: Sought) -> tuple[list[str], dict[str, Any]]:
    conditions = [f"c.{column} = :{column}" for column in sought.equal]
    values: dict[str, Any] = {**sought.equal, **sought.about}
    # Both: conversations outlive the messages that retention drops.
    conditions += [
        "c.conversation_id IN ("  # noqa: S608 - our own words only
        f"SELECT conversation_id FROM messages WHERE {column} = :{column} {_of_tenant(sought)}"
        f" UNION ALL SELECT conversation_id FROM conversations WHERE {column} = :{column})"
        for column in sought.about
    ]
    if sought.people is not None:
        conditions.append("c.person = ANY(:people)")
        values["people"] = list(sought.people)
    return conditions, values


def _of_tenant(sought: Sought) -> str:
    return "AND tenant_id = :tenant_id" if "tenant_id" in sought.equal else ""
