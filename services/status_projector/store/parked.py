"""Events whose message nobody has named yet, and the locks that keep them from being missed.

Whoever introduces an id (a request its message id, an acceptance the provider's id) picks up what
is parked under it; whoever finds an id unknown parks under it. Both take a lock on the id first,
introducers shared and parkers exclusive, so that neither can pass the other unseen (`lookup.py`).
A transaction takes all its locks at once: in order among themselves, and in order with those of
other transactions.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import astuple, dataclass
from datetime import date, datetime
from typing import Any, Self
from zlib import crc32

import msgspec
import sqlalchemy as sa

from runtime.vault import Vault, forget
from schemas.topics.dead_letters import Place
from schemas.topics.provider_events import PROVIDER_EVENTS, MessageEvent
from schemas.topics.topic import Headers
from services.status_projector import addresses
from services.status_projector.facts import names_in
from services.status_projector.heard import Heard
from services.status_projector.projection import Parked
from services.status_projector.store.people import People

_BUCKETS = 1_024
"""Ids share locks by hash: the server's lock table is bounded."""

_CLASS = 7_311
"""Keeps our advisory locks apart from others'."""

_LOCK = sa.text(
    """
    SELECT CASE WHEN exclusive THEN pg_advisory_xact_lock(:class, bucket)
                ELSE pg_advisory_xact_lock_shared(:class, bucket) END
    FROM (SELECT * FROM unnest(CAST(:buckets AS int[]), CAST(:exclusive AS boolean[]))
                 AS b(bucket, exclusive) ORDER BY bucket) ordered
    """
)


@dataclass(frozen=True, slots=True)
class Locks:
    """The locks that stand for a set of ids, shared ones and exclusive ones."""

    shared: frozenset[int]
    exclusive: frozenset[int]

    @classmethod
    def of(cls, *, introduced: Iterable[str], alone: Iterable[str]) -> Self:
        """Return the locks of who introduces some ids, and needs others for itself alone."""
        exclusive = frozenset(map(_bucket, alone))
        return cls(frozenset(map(_bucket, introduced)) - exclusive, exclusive)

    def __bool__(self) -> bool:
        return bool(self.shared or self.exclusive)

    def __or__(self, other: "Locks") -> "Locks":
        exclusive = self.exclusive | other.exclusive
        return Locks((self.shared | other.shared) - exclusive, exclusive)

    def __le__(self, other: "Locks") -> bool:
        """Return whether who holds the others needs none of these."""
        return self | other == other


def lock(connection: sa.Connection, locks: Locks) -> None:
    """Take the locks until the transaction, or its savepoint, ends; in one order everywhere."""
    buckets = [*locks.shared, *locks.exclusive]
    exclusive = [bucket in locks.exclusive for bucket in buckets]
    connection.execute(_LOCK, {"class": _CLASS, "buckets": buckets, "exclusive": exclusive})


def _bucket(name: str) -> int:
    return crc32(name.encode()) % _BUCKETS


_FIND = sa.text(
    """
    SELECT id, message_id, whatsapp_message_id, person, sealed, source_topic, source_partition,
           source_offset, parked_at
    FROM parked_events
    WHERE message_id = ANY(:message_ids) OR whatsapp_message_id = ANY(:provider_ids)
    ORDER BY id
    """
)


def find(
    connection: sa.Connection,
    vault: Vault,
    message_ids: Collection[str],
    provider_ids: Collection[str],
) -> list[Parked]:
    """Return what is parked under these ids, in the order it came."""
    values = {"message_ids": list(message_ids), "provider_ids": list(provider_ids)}
    rows = connection.execute(_FIND, values).all()
    return [
        Parked(
            row.id,
            row.message_id,
            row.whatsapp_message_id,
            event,
            tuple(record.headers),
            row.parked_at,
        )
        for row, record in _opened(connection, vault, rows)
        # Nothing else is ever parked.
        if isinstance(event := PROVIDER_EVENTS.decode(record.value), MessageEvent)
    ]


_PARK = sa.text(
    """
    INSERT INTO parked_events
        (message_id, whatsapp_message_id, source_topic, source_partition, source_offset,
         person, sealed, parked_at)
    SELECT message_id, provider_id, topic, partition, source_offset, person, sealed, :now
    FROM unnest(CAST(:message_ids AS text[]), CAST(:provider_ids AS text[]),
                CAST(:topics AS text[]), CAST(:partitions AS int[]), CAST(:offsets AS bigint[]),
                CAST(:persons AS bytea[]), CAST(:sealed AS bytea[]))
         AS p(message_id, provider_id, topic, partition, source_offset, person, sealed)
    """
)


def park(connection: sa.Connection, events: Sequence[Heard], people: People, now: datetime) -> None:
    """Put events down until their message is known.

    Replies are parked under our id alone: the provider's id in them is news, not a question.
    """
    names = [names_in(heard.value) for heard in events]
    persons = [people.of(*addresses.of_parked(heard, now)) for heard in events]
    connection.execute(
        _PARK,
        {
            "message_ids": [message_id for message_id, _ in names],
            "provider_ids": [provider_id for _, provider_id in names],
            "topics": [heard.trigger.topic for heard in events],
            "partitions": [heard.trigger.partition for heard in events],
            "offsets": [heard.trigger.offset for heard in events],
            "persons": persons,
            "sealed": [
                people.keyring.seal(
                    person, _record_of(heard), place=_place(*astuple(heard.trigger))
                )
                for person, heard in zip(persons, events, strict=True)
            ],
            "now": now,
        },
    )


class Record(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A record as it came: all of it is sealed, since its headers repeat what it says."""

    key: bytes | None
    value: bytes
    headers: Headers


_DECODER = msgspec.msgpack.Decoder(Record)


@dataclass(frozen=True, slots=True)
class Expired:
    """A parked event that nobody claimed in time."""

    place: Place
    key: bytes | None
    value: bytes
    headers: Headers


_EXPIRED = sa.text(
    """
    SELECT id, source_topic, source_partition, source_offset, person, sealed
    FROM parked_events WHERE parked_at < :before ORDER BY parked_at LIMIT :limit
    """
)


def expired(
    connection: sa.Connection, vault: Vault, *, before: datetime, limit: int
) -> tuple[list[int], list[Expired]]:
    """Return which events have been parked since before that time, and those that can be read.

    Of people who were forgotten meanwhile nothing is left to be handed on.
    """
    rows = connection.execute(_EXPIRED, {"before": before, "limit": limit}).all()
    readable = [
        Expired(
            Place(row.source_topic, row.source_partition, row.source_offset),
            record.key,
            record.value,
            tuple(record.headers),
        )
        for row, record in _opened(connection, vault, rows)
    ]
    return [row.id for row in rows], readable


_DROP = sa.text(
    """
    DELETE FROM parked_events WHERE id IN (
        SELECT id FROM parked_events WHERE id = ANY(:ids) ORDER BY id FOR UPDATE)
    """
)


def drop(connection: sa.Connection, ids: Sequence[int]) -> None:
    """Forget events that have been applied, or are in the DLQ now.

    In the order of their ids: one may be applied by one process and given up by another.
    """
    connection.execute(_DROP, {"ids": list(ids)})


def count(connection: sa.Connection) -> int:
    """Return how many events are parked."""
    return connection.execute(sa.text("SELECT count(*) FROM parked_events")).scalar_one()


def forget_days(connection: sa.Connection, vault: Vault, days: Iterable[date]) -> None:
    """Forget the keys of days of which nothing is parked any more."""
    for day in days:
        forget(connection, vault.person(*addresses.of_day(day)))


def _opened(
    connection: sa.Connection, vault: Vault, rows: Sequence[sa.Row[Any]]
) -> list[tuple[sa.Row[Any], Record]]:
    """Return the rows that can be opened, with what they hold."""
    persons = [bytes(row.person) for row in rows]
    keyring = vault.keyring(connection, persons)
    opened: list[tuple[sa.Row[Any], Record]] = []
    for person, row in zip(persons, rows, strict=True):
        place = _place(row.source_topic, row.source_partition, row.source_offset)
        if (plain := keyring.open(person, bytes(row.sealed), place=place)) is not None:
            opened.append((row, _DECODER.decode(plain)))
    return opened


def _record_of(heard: Heard) -> bytes:
    return msgspec.msgpack.encode(Record(heard.key, heard.raw, heard.headers))


def _place(topic: str, partition: int, offset: int) -> str:
    return f"parked_events:{topic}:{partition}:{offset}"
