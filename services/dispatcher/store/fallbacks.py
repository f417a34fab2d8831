"""Fallbacks that may still be wanted (domain/fallbacks.py), a statement a function."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from domain.failures import ErrorCode
from domain.fallbacks import Seen
from domain.lifecycle import Status
from runtime.vault import Vault
from services.dispatcher.store.requests import Kept, disclosed, enclosed

_NOTE = sa.text(
    """
    INSERT INTO fallbacks (message_id, request, noted_at, next_look_at)
    SELECT message_id, request, :now, :next_look_at
    FROM unnest(CAST(:message_ids AS text[]), CAST(:requests AS bytea[])) AS r(message_id, request)
    WHERE NOT EXISTS (SELECT 1 FROM dispatch_ledger l WHERE l.message_id = r.message_id)
    ON CONFLICT (message_id) DO NOTHING
    """
)


def note(
    connection: sa.Connection,
    vault: Vault,
    requests: Sequence[Kept],
    *,
    now: datetime,
    next_look_at: datetime,
) -> None:
    """Enter requests, those that the ledger does not know yet."""
    connection.execute(
        _NOTE,
        {
            "message_ids": [one.request.message_id for one in requests],
            "requests": enclosed(connection, vault, requests),
            "now": now,
            "next_look_at": next_look_at,
        },
    )


@dataclass(frozen=True, slots=True)
class Noted:
    """A message with a fallback, and what its trail says."""

    message_id: str
    request: bytes | None
    """None: its recipient was erased."""
    noted_at: datetime
    seen: Seen


_DUE = sa.text(
    """
    SELECT f.message_id, f.request, f.noted_at, m.delivery_status, m.error_code
    FROM fallbacks f LEFT JOIN messages m USING (message_id)
    WHERE f.next_look_at <= :now
    ORDER BY f.next_look_at LIMIT :limit
    FOR UPDATE OF f SKIP LOCKED
    """
)


def due(connection: sa.Connection, vault: Vault, *, limit: int, now: datetime) -> list[Noted]:
    """Lock fallbacks that it is time to look at, and return what is known of their messages."""
    rows = connection.execute(_DUE, {"limit": limit, "now": now}).all()
    requests = disclosed(connection, vault, [row.request for row in rows])
    return [
        Noted(
            row.message_id,
            request,
            row.noted_at,
            Seen(
                None if row.delivery_status is None else Status(row.delivery_status),
                None if row.error_code is None else ErrorCode(row.error_code),
            ),
        )
        for row, request in zip(rows, requests, strict=True)
    ]


_LOOK_AGAIN = sa.text(
    """
    UPDATE fallbacks f SET next_look_at = l.at
    FROM unnest(CAST(:message_ids AS text[]), CAST(:ats AS timestamptz[])) AS l(message_id, at)
    WHERE f.message_id = l.message_id
    """
)


def look_again(connection: sa.Connection, at: Mapping[str, datetime]) -> None:
    """Put them back until then."""
    connection.execute(_LOOK_AGAIN, {"message_ids": list(at), "ats": list(at.values())})


_FORGET = sa.text("DELETE FROM fallbacks WHERE message_id = ANY(:message_ids)")


def forget(connection: sa.Connection, message_ids: Sequence[str]) -> None:
    """Drop those that are sent, or not wanted any more."""
    if message_ids:
        connection.execute(_FORGET, {"message_ids": list(message_ids)})
