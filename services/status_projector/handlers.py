"""Turns facts into transitions: load, decide, save, publish, exactly once (promise 3)."""

import logging
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from sqlalchemy.exc import SQLAlchemyError

from runtime.clock import Clock
from runtime.errors import TryAgainLater
from runtime.kafka.dead_letters import DeadLetters
from runtime.kafka.deliveries import reject
from runtime.kafka.stream import Delivery, Group
from runtime.postgres import in_thread
from runtime.vault import Vault
from schemas.topics.dead_letters import Reason
from services.status_projector.apply import apply, pass_over
from services.status_projector.heard import Heard, Trigger
from services.status_projector.metrics import APPLIED, CHANGED
from services.status_projector.ownership import Ownership
from services.status_projector.projection import Caused
from services.status_projector.publisher import Publisher

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tools:
    """What the handlers of this service work with."""

    engine: sa.Engine
    vault: Vault
    publisher: Publisher
    dead_letters: DeadLetters
    clock: Clock
    zone: ZoneInfo
    """In which days begin (CF-17)."""


class Facts:
    """The handler of ``send-requests``, ``provider-events`` and ``task-changes``."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._owned = Ownership(tools.engine, tools.publisher)
        self._group: Group | None = None

    async def assigned(self, places: Collection[TopicPartition], group: Group) -> None:
        """Fence the former owners and publish what they left unpublished."""
        self._group = group
        await self._owned.take_over(places, group)

    def revoked(self, places: Collection[TopicPartition]) -> None:
        """Nothing is kept between batches but the right to write: see `let_go`."""

    async def let_go(self, places: Collection[TopicPartition]) -> None:
        """Give up the right to write, so that the next owner has nobody to fence."""
        try:
            await self._owned.let_go(places, self._known_group())
        except (TryAgainLater, KafkaError) as error:
            # Nothing is lost: the next owner fences us.
            log.info("places.kept", extra={"why": type(error).__name__})

    async def receive(self, deliveries: Sequence[Delivery]) -> None:
        """Apply a batch, publish what it caused, and finish it."""
        ends = {delivery.place: delivery.offset + 1 for delivery in deliveries}
        await self._owned.settle(ends, self._known_group())
        # From here on: where the answer to the database's commit is lost, or a later half of the
        # batch fails, the same batch comes again and causes nothing any more.
        self._owned.doubt(ends)
        caused = await self._apply([_heard(delivery) for delivery in deliveries], deliveries)
        for status, count in Counter(one.change.to_status for one in caused).items():
            CHANGED.labels(status).inc(count)
        await self._owned.publish(caused, ends)
        for delivery in deliveries:
            delivery.finish()

    def _known_group(self) -> Group:
        if self._group is None:
            raise TryAgainLater("no group yet")
        return self._group

    async def _apply(self, batch: Sequence[Heard], deliveries: Sequence[Delivery]) -> list[Caused]:
        try:
            caused = await self._try(batch)
        except (SQLAlchemyError, ValueError):
            return await self._isolate(batch, deliveries)
        APPLIED.inc(len(batch))
        return caused

    async def _try(self, batch: Sequence[Heard]) -> list[Caused]:
        tools, epochs, now = self._tools, self._owned.epochs, self._tools.clock()
        return await in_thread(
            tools.engine, lambda c: apply(c, tools.vault, batch, epochs, now, tools.zone)
        )

    async def _isolate(
        self, batch: Sequence[Heard], deliveries: Sequence[Delivery]
    ) -> list[Caused]:
        """Find the record that cannot be applied, by halves, and put it into the DLQ."""
        if len(batch) > 1:
            middle = len(batch) // 2
            first = await self._apply(batch[:middle], deliveries[:middle])
            return first + await self._apply(batch[middle:], deliveries[middle:])
        tools, epochs = self._tools, self._owned.epochs
        try:
            # Once more: another projector may have entered the same message at that moment.
            return await self._try(batch)
        except (SQLAlchemyError, ValueError) as error:
            detail = type(getattr(error, "orig", None) or error).__name__
        letter = reject(deliveries[0], Reason.NOT_APPLICABLE, detail)
        await tools.dead_letters.add([letter])
        await in_thread(tools.engine, lambda c: pass_over(c, batch[0], epochs))
        log.warning("record.rejected", extra={"why": detail, "topic": letter.place.topic})
        return []


def _heard(delivery: Delivery) -> Heard:
    place = delivery.place
    return Heard(
        Trigger(place.topic, place.partition, delivery.offset),
        delivery.value,
        delivery.key,
        delivery.raw,
        delivery.headers,
    )
