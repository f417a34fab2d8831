"""What all services have stored of one message; nothing here locks or writes (IM-53)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Known:
    """The rows that speak of a message."""

    message: Row
    history: Sequence[Row]
    facts: Sequence[Row]
    ledger: Row | None
    job_item: Row | None
    participants: Mapping[str, int]
    unheard: Row | None
    fallback: Row | None
    """The message that is sent instead of it, where there is one or may be."""
    original: Row | None


_MESSAGE = sa.text(
    """
    SELECT message_id, channel, sender_id, person, message_type, sealed, message_direction,
           whatsapp_message_id, delivery_status, sent_at, failures, error_code, pricing, tenant_id,
           agent_id, contact_id, order_id, case_id, job_id, original_message_id, created_at
    FROM messages
    WHERE message_id = :message_id
      AND (CAST(:tenant_id AS text) IS NULL OR tenant_id = :tenant_id)
    """
)
_HISTORY = sa.text(
    """
    SELECT sequence, recorded_at, from_status, to_status, updated_at, source, change
    FROM message_status_history WHERE message_id = :message_id ORDER BY sequence
    """
)
_FACTS = sa.text(
    """
    SELECT recorded_at, sequence, kind, effect, occurred_at, heard_at, parked_at, attempt, until,
           error_code, provider_code, detail, source, priority, traceparent
    FROM message_facts WHERE message_id = :message_id ORDER BY sequence, id
    """
)
_LEDGER = sa.text(
    """
    SELECT l.state, l.attempt, l.throttled, l.owner, l.claimed_at, l.due_at, l.error_code,
           s.halted_at, s.halted_for,
           EXISTS (SELECT 1 FROM dispatch_ledger e
                   WHERE e.conversation = l.conversation AND e.state IN ('waiting', 'claimed')
                     AND e.position < l.position) AS is_behind_another
    FROM dispatch_ledger l LEFT JOIN senders s USING (sender)
    WHERE l.message_id = :message_id
    """
)
_JOB_ITEM = sa.text("SELECT job_id, row FROM job_items WHERE message_id = :message_id")
_PARTICIPANTS = sa.text(
    """
    SELECT status, count(*) AS participants FROM message_participants
    WHERE message_id = :message_id GROUP BY status
    """
)
_UNHEARD = sa.text("SELECT accepted_at FROM unheard_sends WHERE message_id = :message_id")
_STATUS = sa.text("SELECT message_id, delivery_status FROM messages WHERE message_id = :message_id")
_WANTED = sa.text("SELECT 1 FROM fallbacks WHERE message_id = :message_id")


def known_of(
    connection: sa.Connection, message_id: str, fallback_id: str, *, tenant_id: str | None
) -> Known | None:
    """Return what is stored of it; None where there is no such message for this tenant."""

    def first(statement: sa.TextClause, about: str = message_id) -> Row | None:
        return next(iter(rows(statement, message_id=about)), None)

    def every(statement: sa.TextClause) -> list[Row]:
        return rows(statement, message_id=message_id)

    def rows(statement: sa.TextClause, **values: str | None) -> list[Row]:
        found = connection.execute(statement, values)
        return [dict(zip(found.keys(), row, strict=True)) for row in found]

    message = next(iter(rows(_MESSAGE, message_id=message_id, tenant_id=tenant_id)), None)
    if message is None:
        return None
    original = message["original_message_id"]
    fallback = first(_STATUS, fallback_id)
    if fallback is None and first(_WANTED) is not None:
        fallback = {"message_id": fallback_id, "delivery_status": None}
    return Known(
        message,
        every(_HISTORY),
        every(_FACTS),
        first(_LEDGER),
        first(_JOB_ITEM),
        {row["status"]: row["participants"] for row in every(_PARTICIPANTS)},
        first(_UNHEARD),
        fallback,
        None
        if original is None
        else first(_STATUS, original) or {"message_id": original, "delivery_status": None},
    )
