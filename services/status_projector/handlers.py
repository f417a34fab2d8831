"""Turns facts into transitions: load, decide, save, publish, exactly once (promise 3)."""

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Awaitable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from aiokafka import TopicPartition
from sqlalchemy.exc import SQLAlchemyError

from runtime.clock import Clock
from runtime.errors import TryAgainLater
from runtime.kafka.dead_letters import DeadLetters, Rejected
from runtime.kafka.stream import Delivery, Group, reject
from runtime.postgres import in_thread
from schemas.tables.partitions import ensure_months
from schemas.topics.dead_letters import Reason
from schemas.topics.status_changes import STATUS_CHANGES, StatusChanged
from schemas.topics.topic import Outgoing
from services.status_projector.apply import apply, pass_over
from services.status_projector.metrics import APPLIED, CHANGED, EXPIRED, PARKED, REPUBLISHED
from services.status_projector.projection import Caused, Heard, Trigger
from services.status_projector.publisher import Publisher
from services.status_projector.store import offsets, parked

log = logging.getLogger(__name__)

SOURCE = "/sendtrail/status_projector"
EXPIRE_LIMIT = 500


@dataclass(frozen=True, slots=True)
class Tools:
    """What the handlers of this service work with."""

    engine: sa.Engine
    publisher: Publisher
    dead_letters: DeadLetters
    owner: str
    clock: Clock


class Facts:
    """The handler of ``send-requests`` and ``provider-events``."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._group: Group | None = None
        self._epochs: dict[offsets.Place, int] = {}
        # Partitions of which not all that may be applied is known to be published.
        self._unsettled: set[TopicPartition] = set()

    async def assigned(self, places: Collection[TopicPartition], group: Group) -> None:
        """Fence the former owners and publish what they left unpublished."""
        self._group = group
        await _all_of(self._take_over(place) for place in places)

    def revoked(self, places: Collection[TopicPartition]) -> None:
        """Nothing is kept between batches but the right to write, which the next owner takes."""

    async def receive(self, deliveries: Sequence[Delivery]) -> None:
        """Apply a batch, publish what it caused, and finish it."""
        places = {delivery.place for delivery in deliveries}
        await _all_of(self._take_over(place) for place in places & self._unsettled)
        # From here on: where the answer to the database's commit is lost, or a later half of the
        # batch fails, the same batch comes again and causes nothing any more.
        self._unsettled |= places
        caused = await self._apply([_heard(delivery) for delivery in deliveries], deliveries)
        await self._publish(deliveries, caused)
        for delivery in deliveries:
            delivery.finish()

    async def _take_over(self, place: TopicPartition) -> None:
        tools, key = self._tools, (place.topic, place.partition)
        self._unsettled.add(place)
        # In this order: from the new epoch on the former owner cannot apply, from the new
        # producer on it cannot publish; what it achieved before is in the committed offset.
        applied, epoch = await in_thread(
            tools.engine, lambda c: offsets.take_over(c, key, tools.owner)
        )
        self._epochs[key] = epoch
        await tools.publisher.take_over(place)
        committed = await self._committed(place)
        if committed < applied:
            changes = await in_thread(
                tools.engine, lambda c: offsets.changes_between(c, key, committed, applied)
            )
            if changes:
                await tools.publisher.publish(place, self._records_again(changes), applied)
                REPUBLISHED.inc(len(changes))
                log.info("changes.republished", extra={"topic": key[0], "count": len(changes)})
        self._unsettled.discard(place)

    async def _committed(self, place: TopicPartition) -> int:
        if self._group is None:
            raise TryAgainLater("no group yet")
        return await self._group.committed(place) or 0

    async def _apply(self, batch: Sequence[Heard], deliveries: Sequence[Delivery]) -> list[Caused]:
        tools, epochs, now = self._tools, self._epochs, self._tools.clock()
        try:
            caused = await in_thread(tools.engine, lambda c: apply(c, batch, epochs, now))
        except (SQLAlchemyError, ValueError):
            return await self._isolate(batch, deliveries)
        APPLIED.inc(len(batch))
        return caused

    async def _isolate(
        self, batch: Sequence[Heard], deliveries: Sequence[Delivery]
    ) -> list[Caused]:
        """Find the record that cannot be applied, by halves, and put it into the DLQ."""
        if len(batch) > 1:
            middle = len(batch) // 2
            first = await self._apply(batch[:middle], deliveries[:middle])
            return first + await self._apply(batch[middle:], deliveries[middle:])
        tools, epochs, now = self._tools, self._epochs, self._tools.clock()
        try:
            # Once more: another projector may have entered the same message at that moment.
            return await in_thread(tools.engine, lambda c: apply(c, batch, epochs, now))
        except (SQLAlchemyError, ValueError) as error:
            detail = type(getattr(error, "orig", None) or error).__name__
        letter = reject(deliveries[0], Reason.NOT_APPLICABLE, detail)
        await tools.dead_letters.add([letter])
        await in_thread(tools.engine, lambda c: pass_over(c, batch[0], epochs))
        log.warning("record.rejected", extra={"why": detail, "topic": letter.place.topic})
        return []

    async def _publish(self, deliveries: Sequence[Delivery], caused: Sequence[Caused]) -> None:
        by_place: defaultdict[TopicPartition, list[Outgoing]] = defaultdict(list)
        for one in caused:
            place = TopicPartition(one.trigger.topic, one.trigger.partition)
            by_place[place].append(self._record(one.change))
        for status, count in Counter(one.change.to_status for one in caused).items():
            CHANGED.labels(status).inc(count)
        ends = {delivery.place: delivery.offset + 1 for delivery in deliveries}
        # A partition that caused nothing needs no transaction: the stream commits its offset.
        self._unsettled -= ends.keys() - by_place.keys()
        await _all_of(
            self._publish_to(place, records, ends[place]) for place, records in by_place.items()
        )

    async def _publish_to(
        self, place: TopicPartition, records: Sequence[Outgoing], next_offset: int
    ) -> None:
        await self._tools.publisher.publish(place, records, next_offset)
        self._unsettled.discard(place)

    def _records_again(self, changes: Sequence[bytes]) -> list[Outgoing]:
        return [self._record(STATUS_CHANGES.decode(change)) for change in changes]

    def _record(self, change: StatusChanged) -> Outgoing:
        return STATUS_CHANGES.record(change, source=SOURCE, at=change.recorded_at)


async def expire_parked(tools: Tools, park_for: timedelta) -> bool:
    """Put events that nobody claimed in time into the DLQ (IM-07); say whether there may be more.

    In the DLQ first: a crash in between repeats it, and loses nothing.
    """
    before = tools.clock() - park_for
    gone = await in_thread(
        tools.engine, lambda c: parked.expired(c, before=before, limit=EXPIRE_LIMIT)
    )
    if gone:
        letters = [
            Rejected(
                event.place, event.key, event.value, event.headers, Reason.UNKNOWN_MESSAGE, "$"
            )
            for event in gone
        ]
        await tools.dead_letters.add(letters)
        await in_thread(tools.engine, lambda c: parked.drop(c, [event.id for event in gone]))
        EXPIRED.inc(len(gone))
    PARKED.set(await in_thread(tools.engine, parked.count))
    return len(gone) == EXPIRE_LIMIT


async def keep_months(tools: Tools) -> bool:
    """Create the history's partitions ahead of time."""
    today = tools.clock().date()
    await in_thread(tools.engine, lambda connection: ensure_months(connection, today))
    return False


def _heard(delivery: Delivery) -> Heard:
    place = delivery.place
    return Heard(
        Trigger(place.topic, place.partition, delivery.offset),
        delivery.value,
        delivery.key,
        delivery.raw,
        delivery.headers,
    )


async def _all_of(works: Iterable[Awaitable[None]]) -> None:
    """Do them at once; when all have ended, raise what the first of them raised.

    None goes on unseen: a repetition would meet it, and two would publish for one partition.
    """
    for result in await asyncio.gather(*works, return_exceptions=True):
        if result is not None:
            raise result
