"""A message's life as records on Kafka, for tests that deal them out in any order."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa

from domain.admission import HoldReason
from domain.lifecycle import Evidence, learn
from runtime.clock import now
from runtime.postgres import transaction
from schemas.topics.provider_events import (
    PROVIDER_EVENTS,
    MessageEvent,
    MessageReceived,
    ProviderEvent,
    SendAccepted,
    SendDeferred,
    SendRejected,
    SendStarted,
    StatusReported,
)
from schemas.topics.send_requests import SEND_REQUESTS, SendRequested
from schemas.topics.task_changes import TASK_CHANGES, TaskEvent
from schemas.topics.topic import Topic
from services.status_projector.apply import apply
from services.status_projector.facts import fact_of
from services.status_projector.heard import Heard, Trigger
from services.status_projector.projection import Caused
from services.status_projector.store import offsets, trail
from services.status_projector.store.offsets import Place
from tests.given import NOON, SENDER, a_failure, a_message_id, a_send_request
from tests.sealed import VAULT

Record = SendRequested | ProviderEvent | TaskEvent


@dataclass(slots=True)
class Life:
    """One message: its request and everything that is ever said of it."""

    message_id: str = field(default_factory=a_message_id)

    @property
    def provider_id(self) -> str:
        return f"wamid.{self.message_id}"

    def request(self, **what_matters: Any) -> SendRequested:  # noqa: ANN401 - any field
        return a_send_request(message_id=self.message_id, **what_matters)

    def started(self, second: int = 1) -> SendStarted:
        return SendStarted(message_id=self.message_id, attempt=1, at=_at(second))

    def accepted(self, second: int = 2) -> SendAccepted:
        return SendAccepted(
            message_id=self.message_id,
            provider_message_id=self.provider_id,
            attempt=1,
            at=_at(second),
        )

    def rejected(self, second: int = 2) -> SendRejected:
        return SendRejected(
            message_id=self.message_id, attempt=1, at=_at(second), failure=a_failure()
        )

    def held(self, second: int = 1) -> SendDeferred:
        return SendDeferred(
            message_id=self.message_id,
            attempt=1,
            at=_at(second),
            until=_at(second + 30),
            failure=a_failure(),
            held=HoldReason.QUIET_HOURS,
        )

    def reported(self, status: Any, second: int, *, named: bool = True) -> StatusReported:  # noqa: ANN401 - a literal
        """Return a callback; an unnamed one carries the provider's id alone."""
        return StatusReported(
            channel="whatsapp",
            provider_message_id=self.provider_id,
            message_id=self.message_id if named else None,
            status=status,
            occurred_at=_at(second),
            failure=a_failure() if status == "failed" else None,
        )

    def inbound(self) -> MessageReceived:
        return MessageReceived(
            channel="whatsapp",
            provider_message_id=self.provider_id,
            sender_id=SENDER,
            author="16505550001",
            message_type="text",
            content={"body": "Is it ready?"},
            occurred_at=NOON,
        )


def model(records: Iterable[Record]) -> Evidence:
    """Return what the pure rules make of a message's records."""
    evidence = Evidence()
    for record in records:
        if isinstance(record, MessageEvent) and (fact := fact_of(record)) is not None:
            evidence = learn(evidence, fact)
    return evidence


EVERY_TOPIC = (SEND_REQUESTS.name, PROVIDER_EVENTS.name, TASK_CHANGES.name)

ZONE = ZoneInfo("UTC")
"""In which the tests' days begin."""

_OFFSETS = count()
"""Shared: projectors of one database follow each other on the same partitions."""


class Projector:
    """Applies records to a database as the service does, as the owner of its topics' partitions."""

    def __init__(
        self, engine: sa.Engine, owner_of: Sequence[str] = EVERY_TOPIC, partition: int = 0
    ) -> None:
        self._engine = engine
        self._topics = owner_of
        self._partition = partition
        self.epochs: dict[Place, int] = {}
        self.take_over()

    def take_over(self) -> None:
        """Become the owner of the partitions that the tests use."""
        with transaction(self._engine) as connection:
            claims = offsets.claim(connection, [(topic, self._partition) for topic in self._topics])
        self.epochs = {place: claim.epoch for place, claim in claims.items()}

    def heard(self, record: Record) -> Heard:
        """Return the record as it comes next from its topic."""
        topic = topic_of(record)
        raw = msgspec.json.encode(record)
        place = Trigger(topic.name, self._partition, next(_OFFSETS))
        return Heard(place, topic.decode(raw), b"k", raw, ())

    def apply(self, batch: list[Heard], at: datetime | None = None) -> list[Caused]:
        """Apply a batch in one transaction, as if it were that time."""
        with transaction(self._engine) as connection:
            return self.apply_within(connection, batch, at)

    def apply_within(
        self, connection: sa.Connection, batch: list[Heard], at: datetime | None = None
    ) -> list[Caused]:
        """Apply a batch in a transaction that somebody else ends."""
        return apply(connection, VAULT, batch, self.epochs, at or now(), ZONE)


def topic_of(record: Record) -> Topic[Any]:
    """Return the topic of a record."""
    if isinstance(record, SendRequested):
        return SEND_REQUESTS
    return TASK_CHANGES if isinstance(record, TaskEvent) else PROVIDER_EVENTS


def stored_evidence(engine: sa.Engine, message_id: str) -> Evidence:
    """Return what the database knows of a message."""
    with transaction(engine) as connection:
        return trail.load(connection, trail.known(connection, [message_id], []))[0].evidence


def history_of(engine: sa.Engine, message_id: str) -> list[tuple[int, str, str]]:
    """Return a message's transitions: number, from, to."""
    statement = sa.text(
        "SELECT sequence, from_status, to_status FROM message_status_history"
        " WHERE message_id = :message_id ORDER BY sequence"
    )
    with transaction(engine) as connection:
        rows = connection.execute(statement, {"message_id": message_id})
        return [(row.sequence, row.from_status, row.to_status) for row in rows]


def _at(second: int) -> datetime:
    return NOON + timedelta(seconds=second)
