"""Doubts of the ledger that turn out to be at their providers, a statement a function."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from domain.polling import FINDS
from providers.contract import Found
from runtime.vault import Vault
from services.dispatcher.store.requests import disclosed

CLOCKS_DIFFER: Final = timedelta(seconds=30)
"""Between a provider and us, at most."""


@dataclass(frozen=True, slots=True)
class Findable:
    """A message in doubt, claimed to be asked for."""

    message_id: str
    attempt: int
    called_at: datetime
    request: bytes


_CLAIM = sa.text(
    """
    WITH due AS (
        SELECT message_id FROM dispatch_ledger
        WHERE state = 'in_doubt' AND due_at > :now AND request IS NOT NULL
          AND split_part(sender, ':', 1) = :channel
          AND coalesce(find_at, claimed_at + :first) <= :now
        ORDER BY due_at LIMIT :limit
        FOR UPDATE SKIP LOCKED
    )
    UPDATE dispatch_ledger l SET find_at = :until
    FROM due WHERE l.message_id = due.message_id
    RETURNING l.message_id, l.attempt, l.claimed_at, l.request
    """
)


def claim(
    connection: sa.Connection,
    vault: Vault,
    channel: str,
    *,
    limit: int,
    now: datetime,
    until: datetime,
) -> list[Findable]:
    """Return doubts that it is time to ask about; nobody else gets them until then."""
    values = {
        "channel": channel,
        "limit": limit,
        "now": now,
        "until": until,
        "first": FINDS[0],
    }
    rows = connection.execute(_CLAIM, values).all()
    requests = disclosed(connection, vault, [row.request for row in rows])
    return [
        Findable(row.message_id, row.attempt, row.claimed_at, request)
        for row, request in zip(rows, requests, strict=True)
        if request is not None  # else its recipient was erased: the grace period ends it
    ]


_PUT_BACK = sa.text(
    """
    UPDATE dispatch_ledger SET find_at = :find_at
    WHERE message_id = :message_id AND attempt = :attempt AND state = 'in_doubt'
    """
)


def put_back(connection: sa.Connection, doubt: Findable, *, find_at: datetime) -> None:
    """Let it be asked for again at a later time."""
    connection.execute(
        _PUT_BACK,
        {"message_id": doubt.message_id, "attempt": doubt.attempt, "find_at": find_at},
    )


_TURN = sa.text("SELECT pg_advisory_xact_lock(hashtextextended('finding ' || :channel, 0))")
_RESERVE = sa.text(
    """
    UPDATE dispatch_ledger l SET whatsapp_message_id = coalesce(l.whatsapp_message_id, (
        SELECT f.id
        FROM unnest(CAST(:ids AS text[]), CAST(:until AS timestamptz[]))
            WITH ORDINALITY AS f(id, until, place)
        WHERE NOT EXISTS (
            SELECT FROM dispatch_ledger o
            WHERE o.whatsapp_message_id = f.id AND o.sender NOT LIKE 'whatsapp:%'
              AND split_part(o.sender, ':', 1) = :channel AND o.message_id <> :message_id
        ) AND NOT EXISTS (
            SELECT FROM dispatch_ledger o
            WHERE o.state = 'claimed' AND o.claimed_at <= f.until
              AND split_part(o.sender, ':', 1) = :channel
        )
        ORDER BY f.place LIMIT 1
    ))
    WHERE l.message_id = :message_id AND l.attempt = :attempt
      AND l.state IN ('in_doubt', 'waiting', 'rejected')
    RETURNING l.whatsapp_message_id
    """
)


def reserve(
    connection: sa.Connection, doubt: Findable, channel: str, found: Sequence[Found]
) -> str | None:
    """Return the first of these sends that is no other message's, and is this one's from now on.

    None where there is none, or where a call is in progress that may be the one it came of: its
    answer names it within seconds. Whoever reserves again, after a crash, has the same.
    """
    # One at a time: two doubts alike would both find the same one free.
    connection.execute(_TURN, {"channel": channel})
    values = {
        "ids": [one.provider_message_id for one in found],
        "until": [one.created_at + CLOCKS_DIFFER for one in found],
        "channel": channel,
        "message_id": doubt.message_id,
        "attempt": doubt.attempt,
    }
    return connection.execute(_RESERVE, values).scalar()


_ACCEPT = sa.text(
    """
    UPDATE dispatch_ledger
    SET state = 'accepted', due_at = NULL, request = NULL, error_code = NULL,
        whatsapp_message_id = :provider_message_id, updated_at = :now
    WHERE message_id = :message_id AND attempt = :attempt
      AND state IN ('in_doubt', 'waiting', 'rejected')
    """
)


def accept(
    connection: sa.Connection, doubt: Findable, provider_message_id: str, *, now: datetime
) -> None:
    """Enter that the call came through, also where the doubt was ended a moment ago.

    Not where a further attempt has begun: that one has an outcome of its own.
    """
    connection.execute(
        _ACCEPT,
        {
            "message_id": doubt.message_id,
            "attempt": doubt.attempt,
            "provider_message_id": provider_message_id,
            "now": now,
        },
    )


@dataclass(frozen=True, slots=True)
class Settled:
    """A doubtful message that its provider turned out to have."""

    provider_message_id: str
    called_at: datetime
    request: bytes | None


_SETTLE = sa.text(
    """
    WITH found AS (
        SELECT l.message_id, l.request, l.claimed_at, m.whatsapp_message_id
        FROM dispatch_ledger l JOIN messages m USING (message_id)
        WHERE l.state = 'in_doubt' AND m.whatsapp_message_id IS NOT NULL
        FOR UPDATE OF l
    )
    UPDATE dispatch_ledger l
    SET state = 'accepted', due_at = NULL, request = NULL,
        whatsapp_message_id = found.whatsapp_message_id, updated_at = :now
    FROM found WHERE l.message_id = found.message_id
    RETURNING found.whatsapp_message_id, found.claimed_at, found.request
    """
)


def settle_by_evidence(connection: sa.Connection, vault: Vault, *, now: datetime) -> list[Settled]:
    """Settle what is in doubt and known to have reached the provider."""
    rows = connection.execute(_SETTLE, {"now": now}).all()
    requests = disclosed(connection, vault, [row.request for row in rows])
    return [
        Settled(row.whatsapp_message_id, row.claimed_at, request)
        for row, request in zip(rows, requests, strict=True)
    ]
