"""Events whose message nobody has named yet, and the locks that keep them from being missed.

Whoever introduces an id (a request its message id, an acceptance the provider's id) picks up what
is parked under it; whoever finds an id unknown parks under it. Both take a lock on the id first,
introducers shared and parkers exclusive, so that neither can pass the other unseen. A transaction
takes all its locks at once: in order among themselves, and in order with those of other
transactions.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from zlib import crc32

import sqlalchemy as sa

from schemas.topics.dead_letters import Place
from schemas.topics.provider_events import PROVIDER_EVENTS, MessageEvent
from schemas.topics.topic import Headers
from services.status_projector.projection import Heard, Parked, names_in

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
    def of(cls, *, introduced: Iterable[str], missing: Iterable[str]) -> Self:
        """Return the locks of who introduces some ids and misses others."""
        exclusive = frozenset(map(_bucket, missing))
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
    SELECT id, message_id, whatsapp_message_id, record_value, record_headers, parked_at
    FROM parked_events
    WHERE message_id = ANY(:message_ids) OR whatsapp_message_id = ANY(:provider_ids)
    ORDER BY id
    """
)


def find(
    connection: sa.Connection, message_ids: Collection[str], provider_ids: Collection[str]
) -> list[Parked]:
    """Return what is parked under these ids, in the order it came."""
    values = {"message_ids": list(message_ids), "provider_ids": list(provider_ids)}
    rows = connection.execute(_FIND, values)
    return [
        Parked(
            row.id,
            row.message_id,
            row.whatsapp_message_id,
            event,
            _from_json(row.record_headers),
            row.parked_at,
        )
        for row in rows
        # Nothing else is ever parked.
        if isinstance(event := PROVIDER_EVENTS.decode(bytes(row.record_value)), MessageEvent)
    ]


_PARK = sa.text(
    """
    INSERT INTO parked_events
        (message_id, whatsapp_message_id, source_topic, source_partition, source_offset,
         record_key, record_value, record_headers, parked_at)
    SELECT message_id, provider_id, topic, partition, source_offset, key, value,
           CAST(headers AS jsonb), :now
    FROM unnest(CAST(:message_ids AS text[]), CAST(:provider_ids AS text[]),
                CAST(:topics AS text[]), CAST(:partitions AS int[]), CAST(:offsets AS bigint[]),
                CAST(:keys AS bytea[]), CAST(:values AS bytea[]), CAST(:headers AS text[]))
         AS p(message_id, provider_id, topic, partition, source_offset, key, value, headers)
    """
)


def park(connection: sa.Connection, events: Sequence[Heard], now: datetime) -> None:
    """Put events down until their message is known.

    Replies are parked under our id alone: the provider's id in them is news, not a question.
    """
    names = [names_in(heard.value) for heard in events]
    connection.execute(
        _PARK,
        {
            "message_ids": [message_id for message_id, _ in names],
            "provider_ids": [provider_id for _, provider_id in names],
            "topics": [heard.trigger.topic for heard in events],
            "partitions": [heard.trigger.partition for heard in events],
            "offsets": [heard.trigger.offset for heard in events],
            "keys": [heard.key for heard in events],
            "values": [heard.raw for heard in events],
            "headers": [_to_json(heard.headers) for heard in events],
            "now": now,
        },
    )


@dataclass(frozen=True, slots=True)
class Expired:
    """A parked event that nobody claimed in time."""

    id: int
    place: Place
    key: bytes | None
    value: bytes
    headers: Headers


_EXPIRED = sa.text(
    """
    SELECT id, source_topic, source_partition, source_offset, record_key, record_value,
           record_headers
    FROM parked_events WHERE parked_at < :before ORDER BY parked_at LIMIT :limit
    """
)


def expired(connection: sa.Connection, *, before: datetime, limit: int) -> list[Expired]:
    """Return events that have been parked since before that time."""
    rows = connection.execute(_EXPIRED, {"before": before, "limit": limit})
    return [
        Expired(
            row.id,
            Place(row.source_topic, row.source_partition, row.source_offset),
            None if row.record_key is None else bytes(row.record_key),
            bytes(row.record_value),
            _from_json(row.record_headers),
        )
        for row in rows
    ]


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


def _to_json(headers: Headers) -> str:
    return json.dumps([(name, value.hex()) for name, value in headers])


def _from_json(headers: list[tuple[str, str]]) -> Headers:
    return tuple((name, bytes.fromhex(value)) for name, value in headers)
