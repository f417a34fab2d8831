"""What is known of recipients: when they last wrote, and who is not to be written to (IM-26).

The tables know a recipient by a keyed hash alone.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from domain.consent import Reason, Scope, Statement, Wish, in_force
from runtime.vault import Vault

EVERY_SENDER = ""
"""Stands for each sender of a channel in what was said to all of them."""


class Pair(NamedTuple):
    """A recipient, as send requests spell it, and an account of ours."""

    channel: str
    sender_id: str
    recipient: str


@dataclass(frozen=True, slots=True)
class People:
    """What must be known before some messages are sent."""

    last_inbound: Mapping[Pair, datetime]
    """When the recipient last wrote to the sender; missing: never."""
    opt_outs: Mapping[Pair, Statement]
    """Those in force; missing: none."""


_FACTS = sa.text(
    """
    SELECT a.place, w.last_inbound_at, o.wish, o.scope, o.reason, o.since
    FROM unnest(CAST(:channels AS text[]), CAST(:sender_ids AS text[]), CAST(:people AS bytea[]))
         WITH ORDINALITY AS a(channel, sender_id, person, place)
    LEFT JOIN contact_windows w ON w.channel = a.channel AND w.person = a.person
        AND w.sender_id = a.sender_id
    LEFT JOIN opt_outs o ON o.channel = a.channel AND o.person = a.person
        AND o.sender_id IN ('', a.sender_id)
    WHERE w.last_inbound_at IS NOT NULL OR o.wish IS NOT NULL
    """
)


def facts(connection: sa.Connection, vault: Vault, asked: Iterable[Pair]) -> People:
    """Return what is known of each pair, in one statement."""
    pairs = list(dict.fromkeys(asked))
    last_inbound: dict[Pair, datetime] = {}
    said: defaultdict[Pair, list[Statement]] = defaultdict(list)
    for row in connection.execute(_FACTS, _columns(vault, pairs)):
        place: int = row.place
        pair = pairs[place - 1]
        if row.last_inbound_at is not None:
            last_inbound[pair] = row.last_inbound_at
        if row.wish is not None:
            said[pair].append(_statement(row))
    standing = ((pair, in_force(statements)) for pair, statements in said.items())
    return People(last_inbound, {pair: one for pair, one in standing if one is not None})


_WROTE = sa.text(
    """
    INSERT INTO contact_windows AS w (channel, sender_id, person, last_inbound_at)
    SELECT channel, sender_id, person, max(at)
    FROM unnest(CAST(:channels AS text[]), CAST(:sender_ids AS text[]),
                CAST(:people AS bytea[]), CAST(:ats AS timestamptz[]))
         AS a(channel, sender_id, person, at)
    GROUP BY channel, sender_id, person ORDER BY channel, sender_id, person
    ON CONFLICT (channel, person, sender_id) DO UPDATE
    SET last_inbound_at = EXCLUDED.last_inbound_at
    WHERE w.last_inbound_at < EXCLUDED.last_inbound_at
    """
)


def remember_windows(
    connection: sa.Connection, vault: Vault, wrote: Mapping[Pair, datetime]
) -> None:
    """Enter when people wrote; a later time that is known stays."""
    # In one order, so that two dispatchers never wait for each other's rows.
    if wrote:
        connection.execute(_WROTE, {**_columns(vault, list(wrote)), "ats": list(wrote.values())})


_SAID = sa.text(
    """
    INSERT INTO opt_outs AS o (channel, sender_id, person, scope, wish, reason, since)
    SELECT DISTINCT ON (channel, sender_id, person, scope)
        channel, sender_id, person, scope, wish, reason, since
    FROM unnest(CAST(:channels AS text[]), CAST(:sender_ids AS text[]),
                CAST(:people AS bytea[]), CAST(:scopes AS text[]), CAST(:wishes AS text[]),
                CAST(:reasons AS text[]), CAST(:sinces AS timestamptz[]))
         AS a(channel, sender_id, person, scope, wish, reason, since)
    ORDER BY channel, sender_id, person, scope, since DESC, wish = 'out' DESC
    ON CONFLICT (channel, person, sender_id, scope) DO UPDATE
    SET wish = EXCLUDED.wish, reason = EXCLUDED.reason, since = EXCLUDED.since
    WHERE o.reason <> 'erased'
      AND (EXCLUDED.since, EXCLUDED.wish = 'out') > (o.since, o.wish = 'out')
    """
)
"""The condition is `domain.consent.overrules` for replies."""


def remember_replies(
    connection: sa.Connection, vault: Vault, said: Mapping[tuple[Pair, Scope], Statement]
) -> None:
    """Enter what people said themselves, where it overrules what is known."""
    if not said:
        return
    statements = list(said.values())
    values = {
        "scopes": [one.scope for one in statements],
        "wishes": [one.wish for one in statements],
        "reasons": [one.reason for one in statements],
        "sinces": [one.since for one in statements],
    }
    connection.execute(_SAID, _columns(vault, [pair for pair, _ in said]) | values)


_REFUSED_OFFERS = sa.text(
    """
    INSERT INTO opt_outs AS o (channel, sender_id, person, scope, wish, reason, since)
    SELECT DISTINCT ON (m.channel, m.sender_id, m.person)
        m.channel, m.sender_id, m.person, 'marketing', 'out', 'reply', a.at
    FROM unnest(CAST(:message_ids AS text[]), CAST(:ats AS timestamptz[])) AS a(message_id, at)
    JOIN messages m ON m.message_id = a.message_id
    WHERE m.message_direction = 'outbound'
    ORDER BY m.channel, m.sender_id, m.person, a.at DESC
    ON CONFLICT (channel, person, sender_id, scope) DO UPDATE
    SET wish = EXCLUDED.wish, reason = EXCLUDED.reason, since = EXCLUDED.since
    WHERE o.reason <> 'erased'
      AND (EXCLUDED.since, EXCLUDED.wish = 'out') > (o.since, o.wish = 'out')
    """
)


def remember_refusals(connection: sa.Connection, refused: Mapping[str, datetime]) -> None:
    """Enter who wants no offers, by messages that were reported failed for that, and when.

    Whom a message was for says the projector's trail. One that it does not know yet is passed
    over: the next offer will be refused in the same words.
    """
    values = {"message_ids": list(refused), "ats": list(refused.values())}
    connection.execute(_REFUSED_OFFERS, values)


_ENTER = sa.text(
    """
    INSERT INTO opt_outs AS o (channel, sender_id, person, scope, wish, reason, since)
    VALUES (:channel, :sender_id, :person, 'all', :wish, 'manual', :now)
    ON CONFLICT (channel, person, sender_id, scope) DO UPDATE
    SET wish = EXCLUDED.wish, reason = EXCLUDED.reason,
        since = GREATEST(o.since, EXCLUDED.since)
    WHERE o.reason <> 'erased' OR EXCLUDED.wish = 'in'
    """
)


def enter(
    connection: sa.Connection, vault: Vault, pair: Pair, wish: Wish, *, now: datetime
) -> None:
    """Enter what somebody of ours says about a recipient, whatever was known.

    An erasure is taken back by an opt-in only.
    """
    values = {"channel": pair.channel, "sender_id": pair.sender_id, "wish": wish, "now": now}
    person = vault.person(pair.channel, pair.recipient)
    connection.execute(_ENTER, {**values, "person": person})


@dataclass(frozen=True, slots=True)
class Known:
    """Everything that is known of one recipient on a channel, by sender."""

    last_inbound: Mapping[str, datetime]
    said: Mapping[tuple[str, Scope], Statement]


_WINDOWS = sa.text(
    """
    SELECT sender_id, last_inbound_at FROM contact_windows
    WHERE channel = :channel AND person = :person ORDER BY sender_id
    """
)
_STATEMENTS = sa.text(
    """
    SELECT sender_id, scope, wish, reason, since FROM opt_outs
    WHERE channel = :channel AND person = :person ORDER BY sender_id, scope
    """
)


def known(connection: sa.Connection, vault: Vault, channel: str, recipient: str) -> Known:
    """Return what is known of one recipient, for the command line."""
    named = {"channel": channel, "person": vault.person(channel, recipient)}
    wrote = connection.execute(_WINDOWS, named)
    said = connection.execute(_STATEMENTS, named)
    return Known(
        {row.sender_id: row.last_inbound_at for row in wrote},
        {(row.sender_id, Scope(row.scope)): _statement(row) for row in said},
    )


def _columns(vault: Vault, pairs: Sequence[Pair]) -> dict[str, list[str] | list[bytes]]:
    return {
        "channels": [pair.channel for pair in pairs],
        "sender_ids": [pair.sender_id for pair in pairs],
        "people": [vault.person(pair.channel, pair.recipient) for pair in pairs],
    }


def _statement(row: sa.Row[tuple[object, ...]]) -> Statement:
    return Statement(Wish(row.wish), Scope(row.scope), Reason(row.reason), row.since)
