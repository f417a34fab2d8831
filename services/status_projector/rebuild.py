"""Makes the messages' states anew from the topics, beside the live ones, while these go on.

The records are applied by the projector's own `apply` to a shadow of its tables, as far as the live
tables are. What then differs is looked at once more while nobody may apply anything, at equal
offsets: only that counts, and only that is mended.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from sqlalchemy.exc import SQLAlchemyError

from runtime.clock import now
from runtime.kafka.alone import start_alone
from runtime.kafka.closing import close
from runtime.postgres import in_thread, transaction
from runtime.vault import Vault
from schemas.topics.provider_events import PROVIDER_EVENTS
from schemas.topics.send_requests import SEND_REQUESTS
from schemas.topics.topic import MalformedRecord
from services.status_projector.apply import apply, pass_over
from services.status_projector.heard import Heard, Trigger
from services.status_projector.store import rebuilding
from services.status_projector.store.offsets import Place
from services.status_projector.store.rebuilding import Difference

log = logging.getLogger(__name__)

TOPICS: Final = {topic.name: topic for topic in (SEND_REQUESTS, PROVIDER_EVENTS)}
BATCH: Final = 2_000
POLL: Final = timedelta(milliseconds=200)
NEAR: Final = 2_000
"""Records: so few are applied while the live tables wait."""
ROUNDS: Final = 20
"""Whoever does not come near the live tables by then is slower than what comes in."""

Told = Callable[[int, int], None]
"""Is told how many records are applied, of how many."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a rebuild has found."""

    records: int
    since: datetime
    """Messages asked for earlier are out of the topics' reach, and are as they were."""
    differences: Sequence[Difference]
    is_mended: bool


class Rebuild:
    """One run."""

    def __init__(self, url: str, bootstrap: str, vault: Vault, zone: ZoneInfo) -> None:
        self._engine = rebuilding.open_shadow(url)
        self._bootstrap = bootstrap
        self._vault = vault
        self._zone = zone
        self._epochs: dict[Place, int] = {}
        self._done: dict[Place, int] = {}
        self.records = 0

    async def run(self, told: Told, *, mends: bool) -> Result:
        """Rebuild, compare, and mend where that is wanted."""
        await in_thread(self._engine, rebuilding.create)
        try:
            async with _reading(self._bootstrap) as consumer:
                since = await self._begin(consumer)
                await self._catch_up(consumer, told)
                found, kept = await self._settle(consumer, since, mends=mends)
            return Result(self.records, since, found, kept)
        finally:
            await in_thread(self._engine, rebuilding.drop)
            self._engine.dispose()

    async def _begin(self, consumer: AIOKafkaConsumer) -> datetime:
        """Own the shadow's partitions; return since when the topics hold everything."""
        places = sorted(consumer.assignment())
        keys = [(place.topic, place.partition) for place in places]
        self._epochs = await in_thread(self._engine, lambda c: rebuilding.own(c, keys))
        begins = await consumer.beginning_offsets(places)
        self._done = {(p.topic, p.partition): begin for p, begin in begins.items()}
        cut = {place for place, begin in begins.items() if begin > 0}
        return datetime.min.replace(tzinfo=UTC) if not cut else await self._reach(consumer, cut)

    async def _reach(self, consumer: AIOKafkaConsumer, cut: set[TopicPartition]) -> datetime:
        first: dict[TopicPartition, datetime] = {}
        ends = await consumer.end_offsets(cut)
        for place in cut:
            consumer.seek(place, self._done[place.topic, place.partition])
            if self._done[place.topic, place.partition] < ends[place]:
                records = await consumer.getmany(place, timeout_ms=5_000, max_records=1)
                stamps = [r.timestamp for some in records.values() for r in some]
                first[place] = datetime.fromtimestamp(min(stamps, default=0) / 1_000, UTC)
                consumer.seek(place, self._done[place.topic, place.partition])
        return max(first.values(), default=now())

    async def _catch_up(self, consumer: AIOKafkaConsumer, told: Told) -> None:
        for _ in range(ROUNDS):
            target = await in_thread(self._engine, rebuilding.applied)
            whole = self.records + self._left(target)
            while self._left(target):
                await self._apply_next(consumer, target)
                told(self.records, whole)
            if self._left(await in_thread(self._engine, rebuilding.applied)) <= NEAR:
                return

    def _left(self, target: Mapping[Place, int]) -> int:
        return sum(max(0, end - self._done.get(place, end)) for place, end in target.items())

    async def _apply_next(self, consumer: AIOKafkaConsumer, target: Mapping[Place, int]) -> None:
        polled = await consumer.getmany(timeout_ms=_milliseconds(POLL), max_records=BATCH)
        batch: list[Heard] = []
        for place, records in polled.items():
            key = place.topic, place.partition
            end = target.get(key, 0)
            inside = [record for record in records if record.offset < end]
            if len(inside) < len(records):
                consumer.seek(place, max(end, self._done[key]))
            batch += [heard for record in inside if (heard := _heard(place, record)) is not None]
        if batch:
            await asyncio.to_thread(self._apply, batch)
        self.records += len(batch)
        for place in consumer.assignment():
            # Control records of transactions and what others have written count as well.
            key = place.topic, place.partition
            self._done[key] = max(self._done[key], await consumer.position(place))

    def _apply(self, batch: Sequence[Heard]) -> None:
        """Apply a batch; a record that cannot be applied is passed over, as the projector does."""
        try:
            with transaction(self._engine) as connection:
                apply(connection, self._vault, batch, self._epochs, now(), self._zone)
        except (SQLAlchemyError, ValueError):
            if len(batch) > 1:
                middle = len(batch) // 2
                self._apply(batch[:middle])
                self._apply(batch[middle:])
                return
            with transaction(self._engine) as connection:
                pass_over(connection, batch[0], self._epochs)

    async def _settle(
        self, consumer: AIOKafkaConsumer, since: datetime, *, mends: bool
    ) -> tuple[Sequence[Difference], bool]:
        """Compare; look again at what differs, at equal offsets."""
        suspects = await in_thread(self._engine, lambda c: rebuilding.differences(c, since))
        if not suspects:
            return (), False
        connection = await asyncio.to_thread(self._engine.connect)
        try:
            target = await asyncio.to_thread(rebuilding.hold, connection)
            while self._left(target):
                await self._apply_next(consumer, target)
            return await asyncio.to_thread(
                self._look_again, connection, [one.message_id for one in suspects], since, mends
            )
        finally:
            await asyncio.to_thread(connection.close)

    def _look_again(
        self,
        connection: sa.Connection,
        suspects: Sequence[str],
        since: datetime,
        mends: bool,  # noqa: FBT001 - handed on
    ) -> tuple[Sequence[Difference], bool]:
        found = rebuilding.differences(connection, since, suspects)
        if mends and found:
            at = now()
            if missing := [one.message_id for one in found if not one.columns]:
                rebuilding.enter(connection, self._vault, missing, at)
            if wrong := [one.message_id for one in found if one.columns]:
                rebuilding.mend(connection, wrong, at)
            connection.commit()
        return found, bool(mends and found)


@asynccontextmanager
async def _reading(bootstrap: str) -> AsyncGenerator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        *TOPICS,
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    try:
        await start_alone(consumer)
        yield consumer
    finally:
        await close(consumer)


def _heard(place: TopicPartition, record: ConsumerRecord[bytes, bytes]) -> Heard | None:
    try:
        value = TOPICS[place.topic].decode(record.value)
    except MalformedRecord:
        return None  # it is in the DLQ
    trigger = Trigger(place.topic, place.partition, record.offset)
    return Heard(trigger, value, record.key, record.value or b"", tuple(record.headers))


def _milliseconds(duration: timedelta) -> int:
    return int(duration.total_seconds() * 1_000)
