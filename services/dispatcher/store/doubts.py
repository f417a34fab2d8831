"""The ledger's statements about messages that may have been sent (IM-08)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from domain.ledger import Tries
from runtime.vault import Vault
from schemas.topics.send_requests import SEND_REQUESTS
from services.dispatcher.store.requests import disclosed

_EVIDENCE = sa.text(
    """
    SELECT message_id, whatsapp_message_id FROM messages
    WHERE message_id = ANY(:message_ids) AND whatsapp_message_id IS NOT NULL
    """
)


def evidence(connection: sa.Connection, message_ids: Sequence[str]) -> Mapping[str, str]:
    """Return the provider's ids of those messages that the provider is known to have."""
    if not message_ids:
        return {}
    rows = connection.execute(_EVIDENCE, {"message_ids": list(message_ids)})
    return {row.message_id: row.whatsapp_message_id for row in rows}


_ABANDON = sa.text(
    """
    UPDATE dispatch_ledger
    SET state = 'in_doubt', due_at = :settle_at, updated_at = :now
    WHERE state = 'claimed' AND refused_for IS NULL AND claimed_at < :before
    """
)


def doubt_abandoned(
    connection: sa.Connection, *, before: datetime, settle_at: datetime, now: datetime
) -> int:
    """Put claims whose owner never recorded an outcome in doubt; return how many."""
    values = {"before": before, "settle_at": settle_at, "now": now}
    return connection.execute(_ABANDON, values).rowcount


@dataclass(frozen=True, slots=True)
class Doubtful:
    """An in-doubt message whose grace period is over."""

    message_id: str
    sender: str
    tries: Tries
    may_resend: bool


_UNSETTLED = sa.text(
    """
    SELECT message_id, sender, attempt, throttled, request FROM dispatch_ledger
    WHERE state = 'in_doubt' AND due_at <= :now
    ORDER BY due_at LIMIT :limit
    """
)


def unsettled(
    connection: sa.Connection, vault: Vault, *, limit: int, now: datetime
) -> list[Doubtful]:
    """Return in-doubt messages whose grace period is over."""
    rows = connection.execute(_UNSETTLED, {"limit": limit, "now": now}).all()
    requests = disclosed(connection, vault, [row.request for row in rows])
    return [
        Doubtful(
            row.message_id,
            row.sender,
            Tries(row.attempt, row.throttled),
            _may_resend(request),
        )
        for row, request in zip(rows, requests, strict=True)
    ]


_CLOSE = sa.text(
    """
    UPDATE dispatch_ledger
    SET state = CASE WHEN message_id = ANY(:resend) THEN 'waiting' ELSE 'rejected' END,
        due_at = CASE WHEN message_id = ANY(:resend) THEN CAST(:now AS timestamptz) END,
        request = CASE WHEN message_id = ANY(:resend) THEN request END,
        error_code = CASE WHEN message_id = ANY(:resend) THEN NULL ELSE 'UNKNOWN_OUTCOME' END,
        updated_at = :now
    WHERE state = 'in_doubt' AND message_id = ANY(:message_ids)
    """
)


def close_doubts(
    connection: sa.Connection, doubts: Sequence[Doubtful], again: Sequence[str], *, now: datetime
) -> None:
    """End the doubt: those of ``again`` wait for a second sending, the others are rejected."""
    connection.execute(
        _CLOSE,
        {
            "message_ids": [doubt.message_id for doubt in doubts],
            "resend": list(again),
            "now": now,
        },
    )


def _may_resend(request: bytes | None) -> bool:
    # Kept is not allowed: of what waited before its last attempt the request is there as well.
    return request is not None and SEND_REQUESTS.decode(request).resend_in_doubt
