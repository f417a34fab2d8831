"""The ledger's statements, a set each (domain/ledger.py says what they are for)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, assert_never

import sqlalchemy as sa

from domain.failures import Failure
from domain.ledger import (
    Accept,
    Doubt,
    EntryState,
    Halt,
    HoldUntil,
    Reject,
    Verdict,
    WaitUntil,
)
from runtime.vault import Vault
from schemas.topics.send_requests import SendRequested
from services.dispatcher.store.crowds import LOOK
from services.dispatcher.store.opening import Due, opened
from services.dispatcher.store.refusals import refusal_columns, refusal_in
from services.dispatcher.store.requests import enclosed
from services.dispatcher.work import Asked, Claimed, Ended

PRIORITIES: Final = {"high": 0, "medium": 1, "low": 2}
OTHERS_FIRST: Final = timedelta(seconds=3)
"""For so long a message that halted its sender leaves the probes to others, where there are any: it
may be what breaks."""
LOCKED_AWAY: Final = timedelta(seconds=30)
"""For so long a message leaves its place to others that needs a master key we were not given."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the ledger says of a message that it has met before."""

    state: EntryState
    owner: str
    claimed_at: datetime
    refusal: Failure | None
    """Why it was claimed in order to be refused."""


def known(connection: sa.Connection, message_ids: Sequence[str]) -> dict[str, Known]:
    """Return what was entered before."""
    rows = connection.execute(
        sa.text(
            """
            SELECT message_id, state, owner, claimed_at, error_code, refused_for
            FROM dispatch_ledger
            WHERE message_id = ANY(:message_ids)
            """
        ),
        {"message_ids": list(message_ids)},
    )
    return {
        row.message_id: Known(
            EntryState(row.state),
            row.owner,
            row.claimed_at,
            refusal_in(row.error_code, row.refused_for),
        )
        for row in rows
    }


def blocked(connection: sa.Connection, conversations: Sequence[str]) -> set[str]:
    """Return those conversations that have an unfinished message."""
    rows = connection.execute(
        sa.text(
            """
            SELECT DISTINCT conversation FROM dispatch_ledger
            WHERE conversation = ANY(:conversations) AND state IN ('waiting', 'claimed')
            """
        ),
        {"conversations": list(conversations)},
    )
    return {row.conversation for row in rows}


@dataclass(frozen=True, slots=True)
class Entry:
    """A message that the ledger is to know from now on."""

    asked: Asked
    due_at: datetime | None = None
    """None: claimed. Otherwise it waits, until then at least."""
    refused: Failure | None = None
    """Why it is claimed in order to be refused."""


_ENTER = sa.text(
    """
    INSERT INTO dispatch_ledger
        (message_id, state, conversation, sender, priority, attempt, owner, claimed_at, due_at,
         request, error_code, refused_for, updated_at)
    SELECT message_id, CASE WHEN due_at IS NULL THEN 'claimed' ELSE 'waiting' END, conversation,
           sender, priority, CASE WHEN due_at IS NULL THEN 1 ELSE 0 END, :owner, :now, due_at,
           request, error_code, refused_for, :now
    FROM unnest(
        CAST(:message_ids AS text[]), CAST(:conversations AS text[]), CAST(:senders AS text[]),
        CAST(:priorities AS smallint[]), CAST(:due_ats AS timestamptz[]),
        CAST(:requests AS bytea[]), CAST(:error_codes AS text[]), CAST(:refused_for AS text[])
    ) WITH ORDINALITY AS e(message_id, conversation, sender, priority, due_at, request,
                           error_code, refused_for, place)
    ORDER BY place
    ON CONFLICT (message_id) DO NOTHING
    RETURNING message_id
    """
)


Keeps = Callable[[SendRequested], bool]
"""Whether a request is kept while nobody knows what became of its call."""


def enter(
    connection: sa.Connection,
    vault: Vault,
    entries: Sequence[Entry],
    keeps: Keeps,
    *,
    owner: str,
    now: datetime,
) -> set[str]:
    """Enter messages; return which were not known yet: of a claim, those are ours."""
    if not entries:
        return set()
    values = {
        "message_ids": [entry.asked.request.message_id for entry in entries],
        "conversations": [entry.asked.conversation for entry in entries],
        "senders": [entry.asked.sender for entry in entries],
        "priorities": [PRIORITIES[entry.asked.request.priority] for entry in entries],
        "due_ats": [entry.due_at for entry in entries],
        "requests": enclosed(
            connection,
            vault,
            [
                entry.asked if entry.due_at is not None or keeps(entry.asked.request) else None
                for entry in entries
            ],
        ),
        **refusal_columns([entry.refused for entry in entries]),
        "owner": owner,
        "now": now,
    }
    return {row.message_id for row in connection.execute(_ENTER, values)}


# The crowds are materialised: else each message that is found would have its sender's counted anew.
_LOCK_DUE = sa.text(
    """
    WITH looked_at AS MATERIALIZED (
        SELECT s.sender, s.room, p.priority, EXISTS (
            SELECT FROM dispatch_ledger
            WHERE sender = s.sender AND priority = p.priority AND state = 'waiting'
              AND due_at <= :now
            ORDER BY due_at
            OFFSET :look
        ) AS is_crowd
        FROM unnest(CAST(:senders AS text[]), CAST(:rooms AS integer[])) AS s(sender, room)
        CROSS JOIN generate_series(0, 2) AS p(priority)
    )
    SELECT d.message_id, s.sender, s.priority, d.due_at, d.attempt, d.throttled, d.broken,
           d.request, s.is_crowd
    FROM looked_at s
    LEFT JOIN LATERAL (
        SELECT w.* FROM (
            SELECT message_id, due_at FROM dispatch_ledger
            WHERE sender = s.sender AND priority = s.priority AND state = 'waiting'
              AND due_at <= :now
            ORDER BY due_at
            LIMIT :look
        ) AS near
        JOIN dispatch_ledger w ON w.message_id = near.message_id AND w.state = 'waiting'
        WHERE w.request IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM dispatch_ledger earlier
            WHERE earlier.conversation = w.conversation
              AND earlier.state IN ('waiting', 'claimed')
              AND earlier.position < w.position)
        ORDER BY near.due_at
        LIMIT s.room
        FOR UPDATE OF w SKIP LOCKED
    ) AS d ON true
    ORDER BY s.priority, d.due_at
    """
)


def lock_due(
    connection: sa.Connection, vault: Vault, rooms: Mapping[str, int], *, now: datetime
) -> tuple[list[Due], set[str]]:
    """Lock waiting messages that are due and first in their conversation (SKIP LOCKED).

    At most as many for each sender as it has room for, the urgent ones first, then in the order of
    their times. Of no sender more than `LOOK` of a priority are looked at; returns as well for
    whom that filled less than the room, although more is due: see `crowds`.
    """
    values = {"senders": list(rooms), "rooms": list(rooms.values()), "look": LOOK, "now": now}
    rows = connection.execute(_LOCK_DUE, values).all()
    # Null where nothing of that priority is due.
    found = _opened(connection, vault, [row for row in rows if row.message_id is not None], now)
    left = dict(rooms)
    chosen: list[Due] = []
    for due in found:
        if left[due.sender] > 0:
            left[due.sender] -= 1
            chosen.append(due)
    return chosen, {row.sender for row in rows if row.is_crowd and left[row.sender] > 0}


_LOCK_HALTED = sa.text(
    """
    SELECT d.message_id, d.sender, d.priority, d.due_at, d.attempt, d.throttled, d.broken,
           d.request
    FROM senders s
    CROSS JOIN generate_series(0, 2) AS p(priority)
    CROSS JOIN LATERAL (
        SELECT * FROM dispatch_ledger w
        WHERE w.sender = s.sender AND w.priority = p.priority AND w.state = 'waiting'
          AND w.due_at < :before AND w.request IS NOT NULL
        ORDER BY w.due_at
        LIMIT :limit
        FOR UPDATE SKIP LOCKED
    ) AS d
    WHERE s.halted_at IS NOT NULL
    LIMIT :limit
    """
)


def lock_halted(
    connection: sa.Connection, vault: Vault, *, before: datetime, limit: int, now: datetime
) -> list[Due]:
    """Lock messages of halted senders that have been due since before then."""
    rows = connection.execute(_LOCK_HALTED, {"before": before, "limit": limit})
    return _opened(connection, vault, rows, now)


def _opened(
    connection: sa.Connection, vault: Vault, rows: Iterable[sa.Row[Any]], now: datetime
) -> list[Due]:
    found = opened(connection, vault, rows)
    if found.locked_away:
        postpone(connection, dict.fromkeys(found.locked_away, now + LOCKED_AWAY), now=now)
    return found.due


_TAKE = sa.text(
    """
    UPDATE dispatch_ledger AS l
    SET state = 'claimed', attempt = attempt + 1, owner = :owner, claimed_at = :now,
        due_at = NULL, error_code = t.error_code, refused_for = t.refused_for, updated_at = :now
    FROM unnest(CAST(:message_ids AS text[]), CAST(:error_codes AS text[]),
                CAST(:refused_for AS text[])) AS t(message_id, error_code, refused_for)
    WHERE l.message_id = t.message_id
    """
)


def take(connection: sa.Connection, works: Sequence[Claimed], *, owner: str, now: datetime) -> None:
    """Claim locked messages, to be called or to be refused."""
    if works:
        values = {
            "message_ids": [work.request.message_id for work in works],
            **refusal_columns([work.refusal for work in works]),
        }
        connection.execute(_TAKE, {**values, "owner": owner, "now": now})


_POSTPONE = sa.text(
    """
    UPDATE dispatch_ledger l SET due_at = p.due_at, updated_at = :now
    FROM unnest(CAST(:message_ids AS text[]), CAST(:due_ats AS timestamptz[]))
        AS p(message_id, due_at)
    WHERE l.message_id = p.message_id
    """
)


def postpone(connection: sa.Connection, until: Mapping[str, datetime], *, now: datetime) -> None:
    """Let locked messages wait longer."""
    values = {"message_ids": list(until), "due_ats": list(until.values()), "now": now}
    connection.execute(_POSTPONE, values)


_RECORD = sa.text(
    """
    UPDATE dispatch_ledger l
    SET state = o.state, due_at = o.due_at, request = o.request,
        whatsapp_message_id = o.provider_id, error_code = o.error_code,
        throttled = l.throttled + o.throttled, broken = l.broken + o.broken, updated_at = :now
    FROM unnest(CAST(:message_ids AS text[]), CAST(:states AS text[]),
                CAST(:due_ats AS timestamptz[]), CAST(:requests AS bytea[]),
                CAST(:provider_ids AS text[]), CAST(:error_codes AS text[]),
                CAST(:throttled AS integer[]), CAST(:broken AS integer[]),
                CAST(:attempts AS integer[]), CAST(:owners AS text[]))
         AS o(message_id, state, due_at, request, provider_id, error_code, throttled, broken,
              attempt, owner)
    WHERE l.message_id = o.message_id AND l.state IN ('claimed', 'in_doubt')
      AND l.owner = o.owner AND l.attempt = o.attempt
    """
)


def record(
    connection: sa.Connection,
    vault: Vault,
    ended: Sequence[Ended],
    keeps: Keeps,
    *,
    now: datetime,
) -> None:
    """Enter the outcomes of attempts. An entry that others have settled meanwhile stays so."""
    entries = [_entry(one, keeps) for one in ended]
    kept = [one.work if entry.is_kept else None for one, entry in zip(ended, entries, strict=True)]
    connection.execute(
        _RECORD,
        {
            "message_ids": [one.work.request.message_id for one in ended],
            "states": [entry.state for entry in entries],
            "due_ats": [entry.due_at for entry in entries],
            "requests": enclosed(connection, vault, kept),
            "provider_ids": [entry.provider_id for entry in entries],
            "error_codes": [entry.error_code for entry in entries],
            "throttled": [entry.throttled for entry in entries],
            "broken": [entry.broken for entry in entries],
            "attempts": [one.work.attempt for one in ended],
            "owners": [one.work.owner for one in ended],
            "now": now,
        },
    )


@dataclass(frozen=True, slots=True)
class _Entry:
    state: EntryState
    due_at: datetime | None = None
    is_kept: bool = False
    """Whether its request may be needed again."""
    provider_id: str | None = None
    error_code: str | None = None
    throttled: int = 0
    broken: int = 0


def _entry(ended: Ended, keeps: Keeps) -> _Entry:
    verdict: Verdict = ended.verdict
    match verdict:
        case Accept(provider_message_id):
            return _Entry(EntryState.ACCEPTED, provider_id=provider_message_id)
        case Reject(failure):
            return _Entry(EntryState.REJECTED, error_code=failure.code)
        case WaitUntil(due_at, failure):
            return _Entry(EntryState.WAITING, due_at, is_kept=True, error_code=failure.code)
        case HoldUntil(due_at, failure):
            return _Entry(
                EntryState.WAITING, due_at, is_kept=True, error_code=failure.code, throttled=1
            )
        case Halt(failure):
            return _Entry(
                EntryState.WAITING,
                ended.at + OTHERS_FIRST,
                is_kept=True,
                error_code=failure.code,
                throttled=1,
                broken=1,
            )
        case Doubt(settle_at):
            return _Entry(EntryState.IN_DOUBT, settle_at, is_kept=keeps(ended.work.request))
        case _:
            assert_never(verdict)
