"""The statements on the table of files, a claim each before anything is fetched (IM-27)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from runtime.vault import Keyring, Person, Vault
from schemas.topics.provider_events import Channel, MediaLost, MediaStored, MessageReceived

PLACE: Final = "inbound_media"

_REMEMBER = sa.text(
    """
    INSERT INTO inbound_media
        (channel, provider_message_id, media_id, sender_id, account_id, message_type, occurred_at,
         announced_type, person, sealed, state, due_at, created_at, updated_at)
    SELECT channel, provider_message_id, media_id, sender_id, account_id, message_type,
           occurred_at, announced_type, person, sealed, 'waiting', :now, :now, :now
    FROM unnest(
        CAST(:channels AS text[]), CAST(:provider_message_ids AS text[]),
        CAST(:media_ids AS text[]), CAST(:sender_ids AS text[]), CAST(:account_ids AS text[]),
        CAST(:message_types AS text[]), CAST(:occurred_ats AS timestamptz[]),
        CAST(:announced_types AS text[]), CAST(:people AS bytea[]), CAST(:sealed AS bytea[])
    ) AS m(channel, provider_message_id, media_id, sender_id, account_id, message_type,
           occurred_at, announced_type, person, sealed)
    ON CONFLICT DO NOTHING
    """
)


class Announced(msgspec.Struct, frozen=True, array_like=True):
    """What a callback said of a file that only concerns who sent it."""

    file_name: str | None = None
    sha256: str | None = None


def remember(
    connection: sa.Connection, vault: Vault, messages: Sequence[MessageReceived], *, now: datetime
) -> None:
    """Enter the messages' files as due; one that is known already is left as it is."""
    pairs = [(message, message.media) for message in messages if message.media is not None]
    people = [vault.person(message.channel, message.author) for message, _ in pairs]
    keys = vault.sealing(connection, people)
    said = [msgspec.msgpack.encode(Announced(media.file_name, media.sha256)) for _, media in pairs]
    values = {
        "channels": [message.channel for message, _ in pairs],
        "provider_message_ids": [message.provider_message_id for message, _ in pairs],
        "media_ids": [media.id for _, media in pairs],
        "sender_ids": [message.sender_id for message, _ in pairs],
        "account_ids": [message.account_id for message, _ in pairs],
        "message_types": [message.message_type for message, _ in pairs],
        "occurred_ats": [message.occurred_at for message, _ in pairs],
        "announced_types": [media.mime_type for _, media in pairs],
        "people": people,
        "sealed": [
            keys.seal(who, plain, place=PLACE) for who, plain in zip(people, said, strict=True)
        ],
    }
    connection.execute(_REMEMBER, {**values, "now": now})


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file that this process has claimed."""

    id: int
    channel: Channel
    provider_message_id: str
    media_id: str
    account_id: str | None
    message_type: str
    occurred_at: datetime
    announced_type: str | None
    attempt: int
    """This one; the first is 1."""
    asked_at: datetime
    """When we first heard of it."""
    person: Person
    """Who sent it."""
    announced: Announced


_DECODER: Final = msgspec.msgpack.Decoder(Announced)

_CLAIM_DUE = sa.text(
    """
    WITH due AS (
        SELECT id FROM inbound_media
        WHERE state IN ('waiting', 'fetching') AND due_at <= :now AND channel = ANY(:channels)
        ORDER BY due_at
        LIMIT :limit
        FOR UPDATE SKIP LOCKED
    )
    UPDATE inbound_media m
    SET state = 'fetching', attempts = m.attempts + 1, claimed_by = :owner, due_at = :until,
        updated_at = :now
    FROM due WHERE m.id = due.id
    RETURNING m.id, m.channel, m.provider_message_id, m.media_id, m.account_id, m.message_type,
        m.occurred_at, m.announced_type, m.attempts, m.created_at, m.person, m.sealed
    """
)


@dataclass(frozen=True, slots=True)
class Claim:
    """In whose name, and until when, unless it is renewed."""

    owner: str
    until: datetime
    now: datetime


def claim_due(
    connection: sa.Connection, vault: Vault, channels: Sequence[str], claim: Claim, *, limit: int
) -> list[Wanted]:
    """Claim files that are due, and those whose claim nobody renewed (SKIP LOCKED)."""
    values = {
        "channels": list(channels),
        "limit": limit,
        "owner": claim.owner,
        "until": claim.until,
        "now": claim.now,
    }
    rows = connection.execute(_CLAIM_DUE, values).all()
    keys = vault.keyring(connection, {_person(row) for row in rows})
    return [_wanted(keys, row) for row in rows]


_RENEW = sa.text(
    """
    UPDATE inbound_media SET due_at = :until
    WHERE id = ANY(:ids) AND state = 'fetching' AND claimed_by = :owner
    """
)


def renew(connection: sa.Connection, ids: Sequence[int], claim: Claim) -> None:
    """Keep claims of ours from running out."""
    connection.execute(_RENEW, {"ids": list(ids), "owner": claim.owner, "until": claim.until})


_OURS = "id = :id AND state = 'fetching' AND claimed_by = :owner AND attempts = :attempt"
"""Whoever has lost the claim meanwhile changes nothing."""

_WAIT = sa.text(
    f"""
    UPDATE inbound_media
    SET state = 'waiting', due_at = :due_at, claimed_by = NULL, error = :why, updated_at = :now
    WHERE {_OURS}
    """  # noqa: S608 - a constant of ours
)


def wait(
    connection: sa.Connection,
    wanted: Wanted,
    owner: str,
    *,
    due_at: datetime,
    why: str | None,
    now: datetime,
) -> None:
    """Put a file down until its next attempt."""
    values = {"due_at": due_at, "why": why, "now": now}
    connection.execute(_WAIT, values | _claim_of(wanted, owner))


_STORED = sa.text(
    f"""
    UPDATE inbound_media
    SET state = 'stored', due_at = NULL, claimed_by = NULL, error = NULL, key = :key,
        mime_type = :mime_type, size = :size, updated_at = :now
    WHERE {_OURS}
    """  # noqa: S608 - a constant of ours
)
_LOST = sa.text(
    f"""
    UPDATE inbound_media
    SET state = 'lost', due_at = NULL, claimed_by = NULL, error = :error, updated_at = :now
    WHERE {_OURS}
    """  # noqa: S608 - a constant of ours
)


def settle(
    connection: sa.Connection, wanted: Wanted, owner: str, event: MediaStored | MediaLost
) -> None:
    """Enter what became of a file, which is on Kafka already."""
    if isinstance(event, MediaStored):
        values = {"key": event.key, "mime_type": event.mime_type, "size": event.size}
        connection.execute(_STORED, {**values, "now": event.at, **_claim_of(wanted, owner)})
    else:
        error = event.reason if event.detail is None else f"{event.reason}: {event.detail}"
        values = {"error": error[:200], "now": event.at}
        connection.execute(_LOST, values | _claim_of(wanted, owner))


_WAITING = sa.text(
    """
    SELECT channel, count(*) AS files FROM inbound_media
    WHERE state IN ('waiting', 'fetching') GROUP BY channel
    """
)


def waiting(connection: sa.Connection) -> Mapping[str, int]:
    """Return how many files of each channel are neither stored nor lost."""
    return {row.channel: row.files for row in connection.execute(_WAITING)}


def _wanted(keys: Keyring, row: Any) -> Wanted:  # noqa: ANN401 - of _CLAIM_DUE
    *plain, _, _ = row
    return Wanted(*plain, person=_person(row), announced=_announced(keys, row))


def _person(row: sa.Row[Any]) -> Person:
    return b"" if row.person is None else bytes(row.person)


def _announced(keys: Keyring, row: sa.Row[Any]) -> Announced:
    plain = None
    if row.sealed is not None:
        plain = keys.open(_person(row), bytes(row.sealed), place=PLACE)
    return Announced() if plain is None else _DECODER.decode(plain)


def _claim_of(wanted: Wanted, owner: str) -> dict[str, object]:
    return {"id": wanted.id, "owner": owner, "attempt": wanted.attempt}
