"""The ledger's statements, a set each (domain/ledger.py says what they are for)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

import sqlalchemy as sa

from domain.ledger import (
    Accept,
    Doubt,
    EntryState,
    HoldUntil,
    Reject,
    Tries,
    Verdict,
    WaitUntil,
)
from schemas.topics.send_requests import SEND_REQUESTS, SendRequested
from services.dispatcher.work import Asked, Ended

_CLAIM = sa.text(
    """
    WITH blocked AS (
        SELECT DISTINCT conversation FROM dispatch_ledger
        WHERE conversation = ANY(:conversations) AND state IN ('waiting', 'claimed')
    )
    INSERT INTO dispatch_ledger
        (message_id, state, conversation, attempt, owner, claimed_at, due_at, request, updated_at)
    SELECT a.message_id,
           CASE WHEN b.conversation IS NULL THEN 'claimed' ELSE 'waiting' END,
           a.conversation,
           CASE WHEN b.conversation IS NULL THEN 1 ELSE 0 END,
           :owner, :now,
           CASE WHEN b.conversation IS NULL THEN NULL ELSE CAST(:now AS timestamptz) END,
           CASE WHEN b.conversation IS NULL AND NOT a.keep THEN NULL ELSE a.request END,
           :now
    FROM unnest(CAST(:message_ids AS text[]), CAST(:conversations AS text[]),
                CAST(:requests AS bytea[]), CAST(:keeps AS boolean[]))
         WITH ORDINALITY AS a(message_id, conversation, request, keep, place)
    LEFT JOIN blocked b USING (conversation)
    ORDER BY a.place
    ON CONFLICT (message_id) DO NOTHING
    """
)
_OURS = sa.text(
    """
    SELECT message_id, claimed_at FROM dispatch_ledger
    WHERE message_id = ANY(:message_ids) AND state = 'claimed' AND owner = :owner
    """
)


Keeps = Callable[[SendRequested], bool]
"""Whether a request is kept while nobody knows what became of its call."""


def claim(
    connection: sa.Connection, asked: Sequence[Asked], keeps: Keeps, *, owner: str, now: datetime
) -> Mapping[str, datetime]:
    """Enter what the ledger does not know yet; return when each claim of ours was made.

    A message behind an unfinished one of its conversation is entered as waiting instead; one
    that is known already is left as it is. Claims of ours from before are returned as well: when
    the answer to a commit was lost, they are what it committed.
    """
    message_ids = [one.request.message_id for one in asked]
    values = {
        "message_ids": message_ids,
        "conversations": [one.conversation for one in asked],
        "requests": [one.raw for one in asked],
        "keeps": [keeps(one.request) for one in asked],
        "owner": owner,
        "now": now,
    }
    connection.execute(_CLAIM, values)
    rows = connection.execute(_OURS, {"message_ids": message_ids, "owner": owner})
    return {row.message_id: row.claimed_at for row in rows}


@dataclass(frozen=True, slots=True)
class Due:
    """A waiting message whose time has come, claimed."""

    message_id: str
    attempt: int
    throttled: int
    request: bytes


_CLAIM_DUE = sa.text(
    """
    WITH due AS (
        SELECT d.message_id FROM dispatch_ledger d
        WHERE d.state = 'waiting' AND d.due_at <= :now
          AND split_part(d.conversation, ':', 2) <> ALL(:held)
          AND NOT EXISTS (
              SELECT 1 FROM dispatch_ledger earlier
              WHERE earlier.conversation = d.conversation
                AND earlier.state IN ('waiting', 'claimed')
                AND earlier.position < d.position)
        ORDER BY d.due_at
        LIMIT :limit
        FOR UPDATE SKIP LOCKED
    )
    UPDATE dispatch_ledger l
    SET state = 'claimed', attempt = l.attempt + 1, owner = :owner, claimed_at = :now,
        due_at = NULL, updated_at = :now
    FROM due WHERE l.message_id = due.message_id
    RETURNING l.message_id, l.attempt, l.throttled, l.request
    """
)


def claim_due(
    connection: sa.Connection, held: Sequence[str], *, limit: int, owner: str, now: datetime
) -> list[Due]:
    """Claim waiting messages that are due and first in their conversation (SKIP LOCKED).

    Those of the senders in ``held`` go on waiting: their lanes are held.
    """
    values = {"held": list(held), "limit": limit, "owner": owner, "now": now}
    rows = connection.execute(_CLAIM_DUE, values)
    return [Due(row.message_id, row.attempt, row.throttled, bytes(row.request)) for row in rows]


_EVIDENCE = sa.text(
    """
    SELECT message_id, whatsapp_message_id FROM messages
    WHERE message_id = ANY(:message_ids) AND whatsapp_message_id IS NOT NULL
    """
)


def evidence(connection: sa.Connection, message_ids: Sequence[str]) -> Mapping[str, str]:
    """Return the provider's ids of those messages that the provider is known to have."""
    rows = connection.execute(_EVIDENCE, {"message_ids": list(message_ids)})
    return {row.message_id: row.whatsapp_message_id for row in rows}


_RECORD = sa.text(
    """
    UPDATE dispatch_ledger l
    SET state = o.state, due_at = o.due_at, request = o.request,
        whatsapp_message_id = o.provider_id, error_code = o.error_code,
        throttled = l.throttled + o.throttled, updated_at = :now
    FROM unnest(CAST(:message_ids AS text[]), CAST(:states AS text[]),
                CAST(:due_ats AS timestamptz[]), CAST(:requests AS bytea[]),
                CAST(:provider_ids AS text[]), CAST(:error_codes AS text[]),
                CAST(:throttled AS integer[]), CAST(:attempts AS integer[]),
                CAST(:owners AS text[]))
         AS o(message_id, state, due_at, request, provider_id, error_code, throttled, attempt,
              owner)
    WHERE l.message_id = o.message_id AND l.state IN ('claimed', 'in_doubt')
      AND l.owner = o.owner AND l.attempt = o.attempt
    """
)


def record(
    connection: sa.Connection, ended: Sequence[Ended], keeps: Keeps, *, now: datetime
) -> None:
    """Enter the outcomes of attempts. An entry that others have settled meanwhile stays so."""
    entries = [_entry(one, keeps) for one in ended]
    connection.execute(
        _RECORD,
        {
            "message_ids": [one.work.request.message_id for one in ended],
            "states": [entry.state for entry in entries],
            "due_ats": [entry.due_at for entry in entries],
            "requests": [entry.request for entry in entries],
            "provider_ids": [entry.provider_id for entry in entries],
            "error_codes": [entry.error_code for entry in entries],
            "throttled": [entry.throttled for entry in entries],
            "attempts": [one.work.attempt for one in ended],
            "owners": [one.work.owner for one in ended],
            "now": now,
        },
    )


_ABANDON = sa.text(
    """
    UPDATE dispatch_ledger
    SET state = 'in_doubt', due_at = :settle_at, updated_at = :now
    WHERE state = 'claimed' AND claimed_at < :before
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
    tries: Tries
    may_resend: bool


_UNSETTLED = sa.text(
    """
    SELECT message_id, attempt, throttled, request FROM dispatch_ledger
    WHERE state = 'in_doubt' AND due_at <= :now
    ORDER BY due_at LIMIT :limit
    """
)


def unsettled(connection: sa.Connection, *, limit: int, now: datetime) -> list[Doubtful]:
    """Return in-doubt messages whose grace period is over."""
    rows = connection.execute(_UNSETTLED, {"limit": limit, "now": now})
    return [
        Doubtful(row.message_id, Tries(row.attempt, row.throttled), _may_resend(row.request))
        for row in rows
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


@dataclass(frozen=True, slots=True)
class _Entry:
    state: EntryState
    due_at: datetime | None = None
    request: bytes | None = None
    provider_id: str | None = None
    error_code: str | None = None
    throttled: int = 0


def _may_resend(request: memoryview | None) -> bool:
    # Kept is not allowed: of what waited before its last attempt the request is there as well.
    return request is not None and SEND_REQUESTS.decode(bytes(request)).resend_in_doubt


def _entry(ended: Ended, keeps: Keeps) -> _Entry:
    verdict: Verdict = ended.verdict
    match verdict:
        case Accept(provider_message_id):
            return _Entry(EntryState.ACCEPTED, provider_id=provider_message_id)
        case Reject(failure):
            return _Entry(EntryState.REJECTED, error_code=failure.code)
        case WaitUntil(due_at, failure):
            return _Entry(EntryState.WAITING, due_at, ended.work.raw, error_code=failure.code)
        case HoldUntil(due_at, failure):
            return _Entry(
                EntryState.WAITING, due_at, ended.work.raw, error_code=failure.code, throttled=1
            )
        case Doubt(settle_at):
            kept = ended.work.raw if keeps(ended.work.request) else None
            return _Entry(EntryState.IN_DOUBT, settle_at, kept)
        case _:
            assert_never(verdict)
