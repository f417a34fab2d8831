"""Gathers what a run left behind: the read model, the streams and the dispatcher's ledger."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from cli.check import differences
from domain.failures import ErrorCode
from schemas.topics.provider_events import PROVIDER_EVENTS
from schemas.topics.registry import DEAD_LETTER_PARTITIONS, PARTITIONS, REGISTRY, dead_letter_topic
from schemas.topics.status_changes import STATUS_CHANGES
from schemas.topics.topic import header


@dataclass(frozen=True, slots=True)
class Message:
    """A row of the read model."""

    status: str
    sequence: int
    error_code: str | None
    times: tuple[datetime | None, ...]
    """Started, accepted, delivered, read."""
    requested_at: datetime
    prompt: str | None = None
    """What people are shown where it failed."""


@dataclass(frozen=True, slots=True)
class Step:
    """A row of a history, or a record of `status-changes`."""

    message_id: str
    sequence: int
    from_status: str
    to_status: str


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything the judge looks at, of one moment."""

    messages: dict[str, Message]
    histories: dict[str, list[Step]]
    last_learnt: dict[str, datetime]
    """When the latest transition of a message was recorded."""
    published: Counter[Step]
    """How often each change can be read from `status-changes` with read_committed."""
    ledger: dict[str, str]
    """The dispatcher's state of each message."""
    closed: frozenset[str]
    """Messages whose doubt the dispatcher closed as UNKNOWN_OUTCOME."""
    answered: frozenset[str]
    """Messages whose acceptance was learnt from the provider's reply."""
    miscounted: list[str]
    """Counters that are not what counting their rows gives, as `sendtrail check` finds them."""
    parked: int
    dead_letters: int


class Observer:
    """Looks at one system's database and broker."""

    def __init__(self, database_url: str, bootstrap: str, zone: ZoneInfo) -> None:
        """``zone``: the services', whose days the statistics count."""
        self._engine = sa.create_engine(database_url, poolclass=sa.NullPool)
        self._bootstrap = bootstrap
        self._zone = zone

    def unfinished(self) -> int:
        """Return how many messages neither the projector nor the dispatcher is done with."""
        with self._engine.connect() as connection:
            return connection.execute(_UNFINISHED).scalar_one()

    def known(self) -> int:
        """Return how many messages the read model has."""
        with self._engine.connect() as connection:
            return connection.execute(sa.text("SELECT count(*) FROM messages")).scalar_one()

    def has_parked(self) -> bool:
        """Return whether any event ever had to wait for its message."""
        with self._engine.connect() as connection:
            return connection.execute(_LAST_PARKED).scalar_one() is not None

    async def look(self) -> Findings:
        """Gather everything."""
        with self._engine.connect() as connection:
            messages = {row.message_id: _message(row) for row in connection.execute(_MESSAGES)}
            steps = connection.execute(_HISTORY).all()
            entries = connection.execute(_LEDGER).all()
            parked = connection.execute(sa.text("SELECT count(*) FROM parked_events")).scalar_one()
        histories: defaultdict[str, list[Step]] = defaultdict(list)
        for row in steps:
            step = Step(row.message_id, row.sequence, row.from_status, row.to_status)
            histories[row.message_id].append(step)
        return Findings(
            messages=messages,
            histories=dict(histories),
            last_learnt={row.message_id: row.recorded_at for row in steps},
            published=await self._published(),
            ledger={row.message_id: row.state for row in entries},
            closed=frozenset(
                row.message_id for row in entries if row.error_code == ErrorCode.UNKNOWN_OUTCOME
            ),
            answered=await self._answered(),
            miscounted=await asyncio.to_thread(self._miscounted),
            parked=parked,
            dead_letters=await self._dead_letters(),
        )

    def _miscounted(self) -> list[str]:
        return [
            f"{one.what} {one.id} {one.counter}: {one.kept} kept, {one.counted} counted"
            for one in differences(self._engine, self._zone)
        ]

    async def _published(self) -> Counter[Step]:
        records = await self._records(STATUS_CHANGES.name)
        changes = [STATUS_CHANGES.decode(record.value) for record in records]
        return Counter(Step(c.message_id, c.sequence, c.from_status, c.to_status) for c in changes)

    async def _answered(self) -> frozenset[str]:
        records = await self._records(PROVIDER_EVENTS.name)
        return frozenset(
            (record.key or b"").decode()
            for record in records
            if header(tuple(record.headers), "ce_type") == "sendtrail.send.accepted.v1"
        )

    async def _records(self, topic: str) -> list[ConsumerRecord[bytes, bytes]]:
        places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        async with _Reader(self._bootstrap, places) as consumer:
            ends = await consumer.end_offsets(places)
            found: list[ConsumerRecord[bytes, bytes]] = []
            while any([await consumer.position(place) < ends[place] for place in places]):
                polled = await consumer.getmany(timeout_ms=200)
                found += [record for records in polled.values() for record in records]
            return found

    async def _dead_letters(self) -> int:
        names = [dead_letter_topic(entry.topic.name) for entry in REGISTRY]
        places = [TopicPartition(n, p) for n in names for p in range(DEAD_LETTER_PARTITIONS)]
        async with _Reader(self._bootstrap, places) as consumer:
            begins = await consumer.beginning_offsets(places)
            ends = await consumer.end_offsets(places)
        return sum(ends[place] - begins[place] for place in places)


class _Reader:
    """A consumer outside any group, at the beginning of some partitions."""

    def __init__(self, bootstrap: str, places: Sequence[TopicPartition]) -> None:
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap, group_id=None, isolation_level="read_committed"
        )
        self._places = places

    async def __aenter__(self) -> AIOKafkaConsumer:
        await self._consumer.start()
        self._consumer.assign(self._places)
        await self._consumer.seek_to_beginning(*self._places)
        return self._consumer

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()


_UNFINISHED = sa.text(
    """
    SELECT (SELECT count(*) FROM messages WHERE delivery_status IN ('pending', 'sending'))
         + (SELECT count(*) FROM dispatch_ledger WHERE state NOT IN ('accepted', 'rejected'))
         + (SELECT count(*) FROM parked_events)
    """
)
_MESSAGES = sa.text(
    """
    SELECT message_id, delivery_status, sequence, error_code, started_at, accepted_at,
           delivered_at, read_at, sent_at, error_message
    FROM messages WHERE message_direction = 'outbound'
    """
)
_HISTORY = sa.text(
    """
    SELECT message_id, sequence, from_status, to_status, recorded_at
    FROM message_status_history ORDER BY message_id, sequence
    """
)
_LAST_PARKED = sa.text(
    "SELECT pg_sequence_last_value(pg_get_serial_sequence('parked_events', 'id'))"
)
_LEDGER = sa.text("SELECT message_id, state, error_code FROM dispatch_ledger")


def _message(row: Any) -> Message:  # noqa: ANN401 - a row of _MESSAGES
    times = (row.started_at, row.accepted_at, row.delivered_at, row.read_at)
    return Message(
        row.delivery_status, row.sequence, row.error_code, times, row.sent_at, row.error_message
    )
