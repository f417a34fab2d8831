"""Makes the read models anew from the topics, beside the live ones, while these go on (ADR 14).

The records are applied by the projector's own `apply` to a shadow of its tables, as far as the live
tables are. What then differs is looked at once more while nobody may apply anything, at equal
offsets, and put right in one transaction. Who only compares rolls it back.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from sqlalchemy.exc import SQLAlchemyError

from domain.staleness import FORGOTTEN_AFTER
from runtime.clock import now
from runtime.kafka.alone import start_alone
from runtime.kafka.closing import close
from runtime.kafka.sealing import TopicKeys
from runtime.postgres import in_thread, transaction
from runtime.vault import Vault
from schemas.topics.provider_events import PROVIDER_EVENTS
from schemas.topics.send_requests import SEND_REQUESTS
from schemas.topics.task_changes import TASK_CHANGES
from schemas.topics.topic import MalformedRecord, Topic
from services.status_projector.apply import apply, pass_over
from services.status_projector.heard import Heard, Trigger
from services.status_projector.store.offsets import Place
from services.status_projector.store.rebuilding import (
    counters,
    groups,
    models,
    people,
    tables,
    trails,
)
from services.status_projector.store.rebuilding import shadow as shadows
from services.status_projector.store.rebuilding.models import Line, Reach

log = logging.getLogger(__name__)

OF_MESSAGES: Final = (SEND_REQUESTS.name, PROVIDER_EVENTS.name)
TOPICS: Final[Mapping[str, Topic[Any]]] = {
    topic.name: topic for topic in (SEND_REQUESTS, PROVIDER_EVENTS, TASK_CHANGES)
}
MODELS: Final = (
    # The messages first: whatever is beside them is compared with what they are then.
    tables.MESSAGES.model,
    trails.HISTORIES,
    trails.FACTS,
    tables.PARTICIPANTS.model,
    groups.RESULTS,
    tables.CONVERSATIONS.model,
    tables.NOTICES.model,
    tables.UNHEARD.model,
    tables.TASKS.model,
    tables.PUSHES.model,
    tables.GROUP_SENDS.model,
    tables.TASK_HISTORY.model,
)
"""All but the counters, which are counted at last."""
BATCH: Final = 2_000
POLL: Final = timedelta(milliseconds=200)
NEAR: Final = 2_000
"""Records: so few are applied while the live tables wait."""
SLACK: Final = timedelta(hours=1)
"""Others' clocks may forget a little more than ours."""
ROUNDS: Final = 20
"""Whoever does not come near the live tables by then is slower than what comes in."""

Told = Callable[[int, int], None]
"""Is told how many records are applied, of how many."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a rebuild has found."""

    records: int
    reach: Reach
    lines: Sequence[Line]
    """One for each read model."""
    is_mended: bool

    @property
    def wrong(self) -> int:
        """How many rows differ that are put right where that is wanted."""
        return sum(line.wrong for line in self.lines)

    @property
    def unknown(self) -> int:
        """How many rows the topics do not know, though they should."""
        return sum(line.unknown for line in self.lines)


class Rebuild:
    """One run."""

    def __init__(
        self, url: str, bootstrap: str, vault: Vault, keys: TopicKeys, zone: ZoneInfo
    ) -> None:
        self._engine = shadows.open_shadow(url)
        self._bootstrap = bootstrap
        self._vault = vault
        self._keys = keys
        self._zone = zone
        self._epochs: dict[Place, int] = {}
        self._done: dict[Place, int] = {}
        self.records = 0

    async def run(self, told: Told, *, mends: bool) -> Result:
        """Rebuild, compare, and put right where that is wanted."""
        await in_thread(self._engine, shadows.create)
        try:
            async with _reading(self._bootstrap) as consumer:
                reach = await self._begin(consumer)
                await self._catch_up(consumer, told)
                lines, is_mended = await self._settle(consumer, reach, mends=mends)
            return Result(self.records, reach, lines, is_mended)
        finally:
            await in_thread(self._engine, shadows.drop)
            self._engine.dispose()

    async def _begin(self, consumer: AIOKafkaConsumer) -> Reach:
        """Own the shadow's partitions; return since when the topics hold everything."""
        places = sorted(consumer.assignment())
        keys = [(place.topic, place.partition) for place in places]
        self._epochs = await in_thread(self._engine, lambda c: shadows.own(c, keys))
        begins = await consumer.beginning_offsets(places)
        self._done = {(p.topic, p.partition): begin for p, begin in begins.items()}
        cut = {place for place, begin in begins.items() if begin > 0}
        since = await self._firsts(consumer, cut)
        return Reach(
            messages=_latest(at for place, at in since.items() if place.topic in OF_MESSAGES),
            tasks=_latest(at for place, at in since.items() if place.topic not in OF_MESSAGES),
            callbacks=now() - FORGOTTEN_AFTER + SLACK,
        )

    async def _firsts(
        self, consumer: AIOKafkaConsumer, cut: set[TopicPartition]
    ) -> dict[TopicPartition, datetime]:
        """Return since when partitions hold everything that have lost their beginning."""
        first: dict[TopicPartition, datetime] = {}
        ends = await consumer.end_offsets(cut)
        for place in cut:
            # Where nothing is left: Kafka drops nothing that is younger.
            first[place] = now() - TOPICS[place.topic].retention
            if self._done[place.topic, place.partition] < ends[place]:
                consumer.seek(place, self._done[place.topic, place.partition])
                records = await consumer.getmany(place, timeout_ms=5_000, max_records=1)
                stamps = [r.timestamp for some in records.values() for r in some]
                if stamps:
                    first[place] = datetime.fromtimestamp(min(stamps) / 1_000, UTC)
                consumer.seek(place, self._done[place.topic, place.partition])
        return first

    async def _catch_up(self, consumer: AIOKafkaConsumer, told: Told) -> None:
        for _ in range(ROUNDS):
            target = await self._target(consumer, await in_thread(self._engine, shadows.applied))
            whole = self.records + self._left(target)
            while self._left(target):
                await self._apply_next(consumer, target)
                told(self.records, whole)
            applied = await in_thread(self._engine, shadows.applied)
            if self._left(await self._target(consumer, applied)) <= NEAR:
                return

    async def _target(
        self, consumer: AIOKafkaConsumer, applied: Mapping[Place, int]
    ) -> dict[Place, int]:
        """Return how far to go: as the live tables, unless a topic was made anew and is shorter."""
        ends = await consumer.end_offsets(consumer.assignment())
        keys = {place: (place.topic, place.partition) for place in ends}
        return {keys[place]: min(applied.get(keys[place], 0), end) for place, end in ends.items()}

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
            told = [_heard(place, record, self._keys) for record in inside]
            batch += [heard for heard in told if heard is not None]
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
        self, consumer: AIOKafkaConsumer, reach: Reach, *, mends: bool
    ) -> tuple[Sequence[Line], bool]:
        """Compare; look again at what differs, at equal offsets."""
        compared, suspects, is_sound = await in_thread(self._engine, lambda c: self._look(c, reach))
        if is_sound:
            sizes = {**compared, **suspects.compared}
            return [Line(name=name, compared=size) for name, size in sizes.items()], False
        connection = await asyncio.to_thread(self._engine.connect)
        try:
            held = await asyncio.to_thread(shadows.hold, connection)
            target = await self._target(consumer, held)
            while self._left(target):
                await self._apply_next(consumer, target)
            lines = await asyncio.to_thread(
                self._put_right, connection, compared, suspects, reach.values(now())
            )
            is_mended = mends and any(line.wrong for line in lines)
            await asyncio.to_thread(connection.commit if is_mended else connection.rollback)
        finally:
            await asyncio.to_thread(connection.close)
        return lines, is_mended

    def _look(
        self, connection: sa.Connection, reach: Reach
    ) -> tuple[dict[str, int], counters.Suspects, bool]:
        """Look for suspects; return how many rows each read model has, and whether none is one."""
        values, compared, number = reach.values(now()), dict[str, int](), 0
        shadows.analyze(connection)
        people.tell_forgotten(connection, values)
        for model in MODELS:
            compared[model.name], suspects = models.suspect(connection, model, values)
            number += suspects
        counted = counters.suspect(connection, self._zone)
        return compared, counted, not number and not counted

    def _put_right(
        self,
        connection: sa.Connection,
        compared: Mapping[str, int],
        counted: counters.Suspects,
        values: models.Values,
    ) -> list[Line]:
        people.concern(connection)
        counters.add_moved(connection, counted, self._zone)
        people.seal_anew(connection, self._vault)
        people.link(connection)
        lines = [models.settle(connection, one, compared[one.name], values) for one in MODELS]
        return lines + counters.settle(connection, counted, self._zone, values["now"])


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


def _heard(
    place: TopicPartition, record: ConsumerRecord[bytes, bytes], keys: TopicKeys
) -> Heard | None:
    try:
        raw, headers = keys.clear(record)
        value = TOPICS[place.topic].decode(raw)
    except MalformedRecord:
        return None  # it is in the DLQ
    trigger = Trigger(place.topic, place.partition, record.offset)
    return Heard(trigger, value, record.key, raw or b"", headers)


def _latest(moments: Iterable[datetime]) -> datetime:
    return max(moments, default=datetime.min.replace(tzinfo=UTC))


def _milliseconds(duration: timedelta) -> int:
    return int(duration.total_seconds() * 1_000)
