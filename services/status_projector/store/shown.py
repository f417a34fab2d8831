"""One message as people ask for it: its row, its transitions, its participants."""

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from services.status_projector.store.search import COLUMNS

Row = Mapping[str, Any]

_NUL: Final = "\x00"
"""PostgreSQL keeps it in no text and refuses to look for it."""

_MESSAGE: Final = sa.text(f"SELECT {COLUMNS} FROM messages WHERE message_id = :message_id")  # noqa: S608 - our own words only


def message(connection: sa.Connection, message_id: str) -> Row | None:
    """Return a message's row."""
    if _NUL in message_id:
        return None
    row = connection.execute(_MESSAGE, {"message_id": message_id}).mappings().first()
    return None if row is None else dict(row)


_CHANGES: Final = sa.text(
    """
    SELECT message_id, from_status, to_status, updated_at, source
    FROM message_status_history WHERE message_id = :message_id ORDER BY sequence
    """
)


def changes(connection: sa.Connection, message_id: str) -> list[Row]:
    """Return all transitions of a message, in their order."""
    rows = connection.execute(_CHANGES, {"message_id": message_id}).mappings()
    return [dict(row) for row in rows]


_COUNTS: Final = sa.text(
    """
    SELECT status, count(*) AS people FROM message_participants
    WHERE message_id = :message_id GROUP BY status
    """
)
_PARTICIPANTS: Final = sa.text(
    """
    SELECT person, sealed, status, at, error_code, error_message FROM message_participants
    WHERE message_id = :message_id ORDER BY person LIMIT :limit
    """
)


def participant_counts(connection: sa.Connection, message_id: str) -> dict[str, int]:
    """Return how many participants have each status."""
    rows = connection.execute(_COUNTS, {"message_id": message_id})
    return {row.status: row.people for row in rows}


def participants(connection: sa.Connection, message_id: str, limit: int) -> list[Row]:
    """Return the first participants."""
    values = {"message_id": message_id, "limit": limit}
    return [dict(row) for row in connection.execute(_PARTICIPANTS, values).mappings()]
