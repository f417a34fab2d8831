"""Puts rejected records into the DLQ of their topic, with the reason (IM-10)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from runtime.clock import Clock
from runtime.kafka.producer import Producer
from schemas.topics.dead_letters import Place, Reason, Why, dead_letter
from schemas.topics.topic import Headers

ACKNOWLEDGED_WITHIN = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record as it came, and what is wrong with it."""

    place: Place
    key: bytes | None
    value: bytes | None
    headers: Headers
    reason: Reason
    detail: str
    """Names the field where there is one; never the content."""


class DeadLetters:
    """The way into the DLQs for one service."""

    def __init__(self, producer: Producer, service: str, clock: Clock) -> None:
        self._producer = producer
        self._service = service
        self._clock = clock

    async def add(self, rejected: Sequence[Rejected]) -> None:
        """Return when the broker has them; raise `BrokerAway` otherwise."""
        at = self._clock()
        records = [
            dead_letter(
                place=record.place,
                key=record.key,
                value=record.value,
                headers=record.headers,
                why=Why(record.reason, record.detail, at, self._service),
            )
            for record in rejected
        ]
        await self._producer.publish(records, within=ACKNOWLEDGED_WITHIN)
