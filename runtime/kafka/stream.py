"""Reads topics in batches and commits what is finished: what both hot services run on.

What a `Stream` promises its handler and everyone else:

- Records of a partition are handed over in order, each batch after the one before was received.
- Only the finished prefix of a partition is committed, and nothing while a batch of it is being
  received: a handler may commit its offset itself, in a transaction. What is unfinished comes
  again, to this process or another, after a crash, a rebalance or a restart. So handlers must be
  idempotent.
- At most `StreamConfig.max_in_flight` records are unfinished; beyond it the partitions are
  paused, and memory stays bounded however long the backlog is (architecture, promise 9).
- When partitions are taken away, or the process is asked to stop, nothing new is handed over,
  what is unfinished gets `StreamConfig.drain_within` to finish, the prefix is committed, and
  `let_go` is called, before they can be another's.
- A record that is no record of its topic, or does not open, goes to the DLQ with the reason, and
  disturbs nothing.
- Of `StreamConfig.wanted` types only; other records are finished without being decoded.
- `TryAgainLater` from the handler means: the same batch again, a little later.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from runtime.errors import BrokerAway, TryAgainLater
from runtime.kafka.closing import close, start
from runtime.kafka.dead_letters import DeadLetters
from runtime.kafka.deliveries import Delivery, Intake, Malformed, reject
from runtime.kafka.progress import PartitionProgress
from runtime.kafka.sealing import TopicKeys
from schemas.topics.dead_letters import Reason
from schemas.topics.topic import Topic

log = logging.getLogger(__name__)

POLL = timedelta(milliseconds=200)
IDLE_FETCH = timedelta(milliseconds=500)
"""After which the broker answers that there is nothing."""
A_MOMENT = timedelta(milliseconds=200)
"""To gather records in, for those whom nobody waits for."""
COMMIT_EVERY = timedelta(milliseconds=250)
PATIENCE = timedelta(seconds=1)
"""How long a full handler is waited for before the partitions are paused: aiokafka throws away
what it has prefetched of a paused partition, so short waits do without."""
LAST_COMMIT_WITHIN = timedelta(seconds=2)
"""Without it the next owner begins a little earlier; a broker that is away must not hold us."""
FIRST_PAUSE = timedelta(milliseconds=100)
LONGEST_PAUSE = timedelta(seconds=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamConfig:
    """Who reads, and how much at once."""

    bootstrap: str
    group: str
    max_in_flight: int
    """Unfinished records in this process."""
    max_poll: int = 1_000
    """Records of one batch: big batches are what makes the projector quick."""
    drain_within: timedelta = timedelta(seconds=5)
    session: timedelta = timedelta(seconds=6)
    """A process that was killed is noticed after this time; the broker's least."""
    fetch_bytes: int = 256 * 1_024
    """Prefetched per partition."""
    gathers: timedelta = timedelta(0)
    """How long the broker may gather records for us before it answers. A fetch for each few records
    costs it, and us, more than the records do: whoever can wait a moment lets it."""
    wanted: frozenset[str] | None = None
    """The CloudEvents types that the handler gets; None: all of them. Records of other types are
    finished unread, and nobody looks whether they are well formed."""
    matters: Callable[[bytes], bool] | None = None
    """Tells by the bytes of a wanted record whether the handler gets it; None: all of them."""


class Group(Protocol):
    """What a handler may ask about the consumer group."""

    async def committed(self, partition: TopicPartition) -> int | None:
        """Return the group's committed offset, None before the first commit."""


class Handler(Protocol):
    """What is done with the records."""

    async def assigned(self, places: Collection[TopicPartition], group: Group) -> None:
        """Prepare for partitions, before the first of their records is handed over."""

    async def receive(self, deliveries: Sequence[Delivery]) -> None:
        """Take a batch. Each delivery is finished before or after this returns.

        `TryAgainLater` hands over the whole batch again; it must then not have been started.
        """

    def revoked(self, places: Collection[TopicPartition]) -> None:
        """Forget what is not started of these partitions: another process will get it."""


class Stream:
    """One member of a consumer group, run until it is cancelled."""

    def __init__(
        self,
        config: StreamConfig,
        topics: Sequence[Topic[Any]],
        handler: Handler,
        dead_letters: DeadLetters,
        keys: TopicKeys,
        let_go: Callable[[Collection[TopicPartition]], Awaitable[None]] | None = None,
    ) -> None:
        self._config = config
        self._topics = {topic.name: topic for topic in topics}
        self._handler = handler
        self._dead_letters = dead_letters
        self._let_go = let_go
        self._progress: dict[TopicPartition, PartitionProgress] = {}
        self._committed: dict[TopicPartition, int] = {}
        self._room = asyncio.Event()
        self._intake = Intake(self._topics, config.wanted, config.matters, keys, self._room.set)
        # Held while the handler works and while offsets are committed: one or the other.
        self._turn = asyncio.Lock()
        # Of these the handler has not returned from the last batch.
        self._receiving: set[TopicPartition] = set()
        self._draining = False
        self.is_paused = False
        """Whether the partitions are paused because too much is unfinished."""

    @property
    def in_flight(self) -> int:
        """How many records are handed over and not finished."""
        return sum(progress.in_flight for progress in self._progress.values())

    async def run(self) -> None:
        """Read until cancelled, then drain. Raises `BrokerAway` when there is no broker."""
        consumer = self._consumer()
        try:
            await start(consumer)
        except KafkaError as error:
            await close(consumer)
            raise BrokerAway(type(error).__name__) from error
        except BaseException:
            # It may be a member of the group already.
            await close(consumer)
            raise
        self._draining = False
        commits = asyncio.create_task(self._commit_for_ever(consumer))
        within = timedelta()  # what an error interrupted is not waited for
        try:
            while True:
                await self._step(consumer)
        except asyncio.CancelledError:
            within = self._config.drain_within
            raise
        finally:
            await self._end(consumer, commits, within)

    async def _end(
        self, consumer: AIOKafkaConsumer, commits: asyncio.Task[None], within: timedelta
    ) -> None:
        self._draining = True
        try:
            await self._drain(consumer, list(self._progress), within)
        finally:
            # Whatever happened: a consumer left behind stays a member of the group, and nobody
            # would read the partitions that the group gives to it.
            commits.cancel()
            self._progress.clear()
            self._committed.clear()
            self._receiving.clear()
            await close(consumer)

    def _consumer(self) -> AIOKafkaConsumer:
        config = self._config
        consumer = AIOKafkaConsumer(
            bootstrap_servers=config.bootstrap,
            group_id=config.group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            session_timeout_ms=_milliseconds(config.session),
            heartbeat_interval_ms=_milliseconds(config.session / 4),
            # Longer than giving up partitions may take: who is late is put out of the group, joins
            # again, and makes the others give up theirs in their turn.
            rebalance_timeout_ms=_milliseconds(
                config.session + config.drain_within + LAST_COMMIT_WITHIN
            ),
            max_poll_interval_ms=_milliseconds(timedelta(minutes=10)),
            max_partition_fetch_bytes=config.fetch_bytes,
            fetch_min_bytes=config.fetch_bytes if config.gathers else 1,
            fetch_max_wait_ms=_milliseconds(config.gathers or IDLE_FETCH),
            metadata_max_age_ms=_milliseconds(timedelta(seconds=30)),
        )
        consumer.subscribe(list(self._topics), listener=_Listener(self, consumer))
        return consumer

    async def _step(self, consumer: AIOKafkaConsumer) -> None:
        room = self._config.max_in_flight - self.in_flight
        if room <= 0:
            await self._wait_for_room(consumer)
            return
        polled = await consumer.getmany(
            timeout_ms=_milliseconds(POLL), max_records=min(room, self._config.max_poll)
        )
        # Nothing is awaited between the poll and the registration: a rebalance cannot fall between.
        new = [place for place in polled if place not in self._progress]
        deliveries, rejected = self._register(polled)
        self._receiving |= polled.keys()
        if new:
            await self._persist(lambda: self._prepare(new, consumer), new)
        if rejected:
            await self._reject(rejected)
        await self._hand_over(deliveries)
        self._receiving -= polled.keys()

    async def _prepare(self, new: Collection[TopicPartition], consumer: AIOKafkaConsumer) -> None:
        async with self._turn:
            new = [place for place in new if place in self._progress]
            await self._handler.assigned(new, consumer)
            # The handler may have committed more than the first batch holds.
            for place in new:
                self._committed[place] = await consumer.committed(place) or 0

    async def _wait_for_room(self, consumer: AIOKafkaConsumer) -> None:
        if await self._room_within(PATIENCE):
            return
        paused = list(consumer.assignment())
        consumer.pause(*paused)
        self.is_paused = True
        try:
            while not await self._room_within(POLL):
                # An empty poll keeps the membership; what it might return is not lost but ours.
                await consumer.getmany(timeout_ms=0)
        finally:
            consumer.resume(*(consumer.assignment() & set(paused)))
            self.is_paused = False

    async def _room_within(self, time: timedelta) -> bool:
        deadline = asyncio.get_running_loop().time() + time.total_seconds()
        while self.in_flight > self._config.max_in_flight // 2:
            self._room.clear()
            try:
                async with asyncio.timeout_at(deadline):
                    await self._room.wait()
            except TimeoutError:
                return False
        return True

    def _register(
        self, polled: dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]]
    ) -> tuple[list[Delivery], list[Malformed]]:
        deliveries: list[Delivery] = []
        malformed: list[Malformed] = []
        for place, records in polled.items():
            progress = self._progress.setdefault(place, PartitionProgress())
            taken, broken = self._intake.take(place, records, progress)
            deliveries += taken
            malformed += broken
        return deliveries, malformed

    async def _reject(self, rejected: Sequence[Malformed]) -> None:
        letters = [reject(delivery, Reason.MALFORMED, str(why)) for delivery, why in rejected]
        places = {delivery.place for delivery, _ in rejected}
        await self._persist(lambda: self._dead_letters.add(letters), places)
        for delivery, _ in rejected:
            delivery.finish()
        log.warning("records.rejected", extra={"count": len(rejected)})

    async def _hand_over(self, deliveries: list[Delivery]) -> None:
        if deliveries:
            places = {delivery.place for delivery in deliveries}
            await self._persist(lambda: self._receive(deliveries), places)

    async def _receive(self, deliveries: list[Delivery]) -> None:
        async with self._turn:
            await self._handler.receive([d for d in deliveries if self._is_ours(d)])

    async def _persist(self, act: Callable[[], Any], places: Collection[TopicPartition]) -> None:
        """Do it until it succeeds or none of the partitions is ours any more."""
        pause = FIRST_PAUSE
        while any(place in self._progress for place in places):
            try:
                await act()
            except TryAgainLater as error:
                reason = f"{type(error).__name__}: {error}"
                log.warning("stream.waiting", extra={"group": self._config.group, "why": reason})
            else:
                return
            await asyncio.sleep(pause.total_seconds())
            pause = min(pause * 2, LONGEST_PAUSE)

    def _is_ours(self, delivery: Delivery) -> bool:
        return self._progress.get(delivery.place) is delivery.progress

    async def _commit_for_ever(self, consumer: AIOKafkaConsumer) -> None:
        while True:
            await asyncio.sleep(COMMIT_EVERY.total_seconds())
            async with self._turn:
                await self._commit(consumer, self._progress)

    async def _commit(self, consumer: AIOKafkaConsumer, places: Collection[TopicPartition]) -> None:
        due = {
            place: offset
            for place in places
            # An older offset must not follow one that the handler may have committed.
            if place not in self._receiving
            and (progress := self._progress.get(place)) is not None
            and (offset := progress.committable) is not None
            and self._committed.get(place, -1) < offset
        }
        if not due:
            return
        try:
            await consumer.commit(due)
        except KafkaError as error:
            # Not lost: the next commit covers it, or the new owner starts a little earlier.
            log.info("commit.failed", extra={"why": type(error).__name__})
        else:
            self._committed.update(due)

    async def _drain(
        self, consumer: AIOKafkaConsumer, places: Collection[TopicPartition], within: timedelta
    ) -> None:
        self._handler.revoked(places)
        with suppress(TimeoutError):
            async with asyncio.timeout(within.total_seconds()):
                # A rebalance may take some of them away while we wait.
                while any(self._progress[p].awaited for p in places if p in self._progress):
                    self._room.clear()
                    await self._room.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_COMMIT_WITHIN.total_seconds()), self._turn:
                await self._commit(consumer, places)
                if self._let_go is not None:
                    await self._let_go(places)

    async def give_up(
        self, consumer: AIOKafkaConsumer, revoked: Collection[TopicPartition]
    ) -> None:
        """End the work on partitions that the group is about to hand to others."""
        held = [place for place in revoked if place in self._progress]
        if not self._draining:
            await self._drain(consumer, held, self._config.drain_within)
        for place in held:
            self._progress.pop(place, None)
            self._committed.pop(place, None)
            self._receiving.discard(place)
        self._room.set()


class _Listener(ConsumerRebalanceListener):
    def __init__(self, stream: Stream, consumer: AIOKafkaConsumer) -> None:
        self._stream = stream
        self._consumer = consumer

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        await self._stream.give_up(self._consumer, revoked)

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        log.info("partitions.assigned", extra={"count": len(assigned)})


def _milliseconds(duration: timedelta) -> int:
    return int(duration.total_seconds() * 1_000)
