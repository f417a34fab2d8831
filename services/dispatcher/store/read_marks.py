"""What was read and is not told yet, a statement a function."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa


@dataclass(frozen=True, slots=True)
class Mark:
    """The newest message of a conversation that was read."""

    sender_id: str
    provider_message_id: str


# Of two dispatchers that find the same mark the second waits at the first one's row, finds it
# there, and gets nothing. The provider's id is looked up for what was taken only.
_TAKE = sa.text(
    """
    WITH fresh AS (
        SELECT c.conversation_id, c.read_at, c.sender_id, c.read_to
        FROM conversations c
        WHERE c.channel = :channel AND c.read_at > :since
          AND NOT EXISTS (
            SELECT FROM read_marks_told t
            WHERE t.conversation_id = c.conversation_id AND t.marked_at >= c.read_at
          ) AND NOT EXISTS (
            SELECT FROM senders s WHERE s.sender = c.channel || ':' || c.sender_id
              AND (s.halted_at IS NOT NULL OR s.held_until > :now)
          )
        ORDER BY c.read_at LIMIT :limit
    ), taken AS (
        INSERT INTO read_marks_told AS t (conversation_id, marked_at)
        SELECT conversation_id, read_at FROM fresh ORDER BY conversation_id
        ON CONFLICT (conversation_id) DO UPDATE SET marked_at = EXCLUDED.marked_at
        WHERE t.marked_at < EXCLUDED.marked_at
        RETURNING conversation_id
    )
    SELECT sender_id, (
        SELECT m.whatsapp_message_id FROM messages m WHERE m.message_id = fresh.read_to
    ) AS provider_message_id
    FROM fresh JOIN taken USING (conversation_id)
    """
)


def take(
    connection: sa.Connection, channel: str, *, since: datetime, now: datetime, limit: int
) -> list[Mark | None]:
    """Return marks made since then that no dispatcher has taken; nobody else gets them any more.

    None for one whose message was erased meanwhile. Those of senders that are halted or held stay.
    """
    values = {"channel": channel, "since": since, "now": now, "limit": limit}
    return [
        None if row.provider_message_id is None else Mark(row.sender_id, row.provider_message_id)
        for row in connection.execute(_TAKE, values)
    ]


def forget(connection: sa.Connection, *, before: datetime) -> None:
    """Drop what was told of marks that are too old to be told again."""
    connection.execute(
        sa.text("DELETE FROM read_marks_told WHERE marked_at < :before"), {"before": before}
    )
