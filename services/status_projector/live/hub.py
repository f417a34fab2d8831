"""The clients of this process, and the one reading that feeds them (ST-15, IM-36).

It reads only while there are clients, and a moment longer, since many come back. A client is
greeted once the last minutes have been read: from then on it misses nothing, and with the cursor of
an earlier connection, to whichever process, nothing since that either.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Final

import sqlalchemy as sa
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from runtime.clock import Clock
from runtime.errors import BrokerAway, DatabaseAway, InvalidInput
from runtime.kafka.sealing import TopicKeys
from runtime.vault import Vault
from schemas.topics.provider_events import PROVIDER_EVENTS
from schemas.topics.status_changes import STATUS_CHANGES
from schemas.topics.task_changes import TASK_CHANGES
from schemas.topics.topic import MalformedRecord
from services.status_projector.live import arrivals
from services.status_projector.live.client import Client, Ending
from services.status_projector.live.cursors import MalformedCursor, Vector, read
from services.status_projector.live.events import (
    EVERYTHING,
    Event,
    Frame,
    Subject,
    Told,
    frame_of,
    note,
    of_status,
    of_task,
)
from services.status_projector.live.job_news import JobNews
from services.status_projector.live.log import Log
from services.status_projector.live.tail import Record, Tail
from services.status_projector.live.wishes import MOST_KEYS, Index, Order, Wish, covers
from services.status_projector.metrics import CLIENTS, DROPPED, GAPS

log = logging.getLogger(__name__)

LINGER: Final = timedelta(seconds=30)
"""How long it reads on for nobody: a page that is loaded anew finds everything in place."""
FARTHEST_AHEAD: Final = 10_000
"""Records that another process may have told more of a partition than this one has read. A cursor
that is farther is of topics that are no more."""
SILENCE: Final = timedelta(seconds=3)
"""After so long without a record it is asked whether there are any: after a broker's death a client
of Kafka may go on without ever hearing more."""
DRAINED_WITHIN: Final = timedelta(seconds=3)
_RUNS: Final = (Subject.JOB, Subject.TASK)
"""What may have a progress."""
_LOST: Final = "-"
"""A cursor of nothing."""


class Hub:
    """Clients enter, are greeted, give orders and leave; `run` reads for them."""

    def __init__(
        self,
        bootstrap: str,
        engine: sa.Engine,
        vault: Vault,
        keys: TopicKeys,
        *,
        clock: Clock,
        keep: int,
    ) -> None:
        self._bootstrap = bootstrap
        self._engine = engine
        self._vault = vault
        self._keys = keys
        self._clock = clock
        self._keep = keep
        self._clients: set[Client] = set()
        self._index: Index[Client] = Index()
        self._jobs = JobNews(engine, clock)
        self._log: Log | None = None
        self._is_ready = False
        self._is_draining = False
        self._wanted = asyncio.Event()
        self._arrived = asyncio.Event()
        self._deserted = asyncio.Event()
        self._deserted.set()
        self._entering = asyncio.Lock()

    def enter(self, client: Client) -> None:
        """Take a client in; it is greeted at once, or as soon as there is something to go by."""
        self._clients.add(client)
        self._deserted.clear()
        CLIENTS.set(len(self._clients))
        self._wanted.set()
        if self._is_draining:
            client.end(Ending.GOING_AWAY)
        elif self._is_ready and self._log is not None:
            self._greet(client, self._log)

    def leave(self, client: Client) -> None:
        """Forget a client that has gone."""
        self._index.remove(client, client.keys)
        self._clients.discard(client)
        CLIENTS.set(len(self._clients))
        if not self._clients:
            self._deserted.set()

    def obey(self, client: Client, order: Order) -> None:
        """Change what the client hears of. Raises `InvalidInput` naming the field."""
        if order.unsubscribe is not None:
            self._unsubscribe(client, order.unsubscribe.keys())
        if order.subscribe is not None:
            self._subscribe(client, order.subscribe)
        if order.resume is not None:
            client.resumes = order.resume
        if not self._is_greeted(client) or self._log is None:
            return
        if order.resume is not None:
            self._greet(client, self._log)
        else:
            self._offer(client, note("subscribed", self._log.cursor))

    def standing(self) -> Frame | None:
        """Return what is told to a client to whom there was nothing to tell: where it stands."""
        return note("cursor", self._log.cursor) if self._is_ready and self._log else None

    async def drain(self) -> None:
        """Let every client go, each with what it has still to be sent, and wait for that."""
        self._is_draining = True
        for client in list(self._clients):
            self._let_go(client, Ending.GOING_AWAY)
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAINED_WITHIN.total_seconds()):
                await self._deserted.wait()

    async def run(self) -> None:
        """Read while there are clients. Raises `BrokerAway` when the broker cannot be reached."""
        while True:
            await self._wanted.wait()
            tail = Tail(self._bootstrap)
            try:
                reading = await self._open(tail)
                await self._read(tail, reading)
            except OffsetOutOfRangeError as error:
                self._forget_topics()
                raise BrokerAway("topics were made anew") from error
            except (KafkaError, TimeoutError) as error:
                raise BrokerAway(type(error).__name__) from error
            finally:
                await tail.stop()

    async def run_arrivals(self) -> None:
        """Tell inbound messages once they are entered."""
        while True:
            await self._arrived.wait()
            reading = self._log
            if reading is None or not reading.waiting:
                self._arrived.clear()
            elif not await self._enter_arrivals(reading):
                await asyncio.sleep(arrivals.LOOK_AGAIN.total_seconds())

    async def run_jobs(self) -> None:
        """Tell how far jobs are."""
        await self._jobs.run(self._tell_job)

    async def _open(self, tail: Tail) -> Log:
        """Go on where the former consumer was, or begin some minutes ago."""
        places = await tail.start()
        known = self._log
        if known is not None and known.places == places:
            tail.seek(places, known.read)
            if self._is_ready:
                return known
        else:
            now_ms = int(self._clock().timestamp() * 1_000)
            begin = await tail.recent(places, now_ms=now_ms, most=self._keep)
            self._is_ready = False
            known = self._log = Log.begun(places, begin, keep=self._keep)
            tail.seek(places, begin)
        await self._catch_up(tail, known)
        return known

    async def _catch_up(self, tail: Tail, reading: Log) -> None:
        ends = await tail.ends(reading.places)
        while await _is_behind(tail, reading, ends):
            await self._poll(tail, reading)
        # Those that are entered already are no news to anybody who comes now.
        while await self._enter_arrivals(reading):
            pass
        self._is_ready = True
        for client in list(self._clients):
            self._greet(client, reading)
            await asyncio.sleep(0)

    async def _read(self, tail: Tail, reading: Log) -> None:
        loop = asyncio.get_running_loop()
        needed_at = heard_at = loop.time()
        while self._clients or loop.time() - needed_at < LINGER.total_seconds():
            if self._clients:
                needed_at = loop.time()
            if await self._poll(tail, reading):
                heard_at = loop.time()
            elif loop.time() - heard_at > SILENCE.total_seconds():
                await self._must_be_at_the_end(tail, reading)
                heard_at = loop.time()
        self._close()

    async def _must_be_at_the_end(self, tail: Tail, reading: Log) -> None:
        """Raise where there is more than a reader hears of: another one begins where it stands."""
        async with asyncio.timeout(SILENCE.total_seconds()):
            ends = await tail.ends(reading.places)
            if not await _is_behind(tail, reading, ends) or await self._poll(tail, reading):
                return
            if await _is_behind(tail, reading, ends):
                raise BrokerAway("there is more than we are handed")

    def _close(self) -> None:
        self._log = None
        self._is_ready = False
        if not self._clients:
            self._wanted.clear()

    def _forget_topics(self) -> None:
        """Note that the topics were made anew: nobody's cursor means anything any more."""
        self._close()
        for client in self._clients:
            if client.resumes is not None:
                client.resumes = _LOST

    async def _poll(self, tail: Tail, reading: Log) -> bool:
        """Take what has come; return whether anything has."""
        polled = await tail.poll()
        for place, records in polled.items():
            self._take(reading, place, records)
            if reading.is_full(reading.places.number(place)):
                tail.pause(place)
        for place in tail.paused():
            if not reading.is_full(reading.places.number(place)):
                tail.resume(place)
        return bool(polled)

    def _take(self, reading: Log, place: TopicPartition, records: Sequence[Record]) -> None:
        number = reading.places.number(place)
        if place.topic == PROVIDER_EVENTS.name:
            for record in records:
                arrival = arrivals.arrival_of(number, record, self._keys)
                if arrival is None:
                    reading.pass_over(number, record.offset)
                else:
                    reading.wait(arrival)
                    self._arrived.set()
            return
        for record in records:
            event = _event_of(place.topic, record)
            if event is None:
                reading.pass_over(number, record.offset)
            else:
                self._push(reading.tell(event, number, record.offset))

    async def _enter_arrivals(self, reading: Log) -> bool:
        """Tell what is entered; return whether there was anything."""
        async with self._entering:
            if not reading.waiting:
                return False
            try:
                entered = await arrivals.entered(self._engine, self._vault, reading)
            except DatabaseAway as error:
                log.info("arrivals.not_read", extra={"why": str(error)})
                return False
            for arrival, event in entered:
                if event is not None:
                    self._push(reading.tell(event, arrival.place, arrival.offset))
                reading.done(arrival)
            return bool(entered)

    def _push(self, told: Told) -> None:
        if not self._is_ready:
            return
        event = told.event
        self._send(event, told.frame, told)
        for subject, named in event.keys:
            # A push is listened to as a job or as a task.
            listened = [(one.value, named) for one in _RUNS]
            if subject in _RUNS and self._index.of(event.tenant_id, listened):
                self._jobs.add(named)

    def _tell_job(self, event: Event) -> None:
        if self._is_ready and self._log is not None:
            self._send(event, frame_of(event, self._log.cursor), None)

    def _send(self, event: Event, frame: Frame, told: Told | None) -> None:
        slow = [
            client
            for client in self._index.listeners(event)
            if client.may_hear(event)
            and (told is None or client.is_new(told))
            and not client.offer(frame)
        ]
        for client in slow:
            self._let_go(client, Ending.TOO_SLOW)

    def _offer(self, client: Client, frame: Frame) -> None:
        if not client.offer(frame):
            self._let_go(client, Ending.TOO_SLOW)

    def _let_go(self, client: Client, ending: Ending) -> None:
        self._index.remove(client, client.keys)
        if ending is Ending.TOO_SLOW:
            DROPPED.inc()
        client.end(ending)

    def _is_greeted(self, client: Client) -> bool:
        return self._is_ready and client.ending is None

    def _greet(self, client: Client, reading: Log) -> None:
        """Say hello, what the client missed since its cursor, and how far its jobs are."""
        if client.ending is not None:
            return
        frames, beyond = self._opening(client, reading)
        client.begin(frames, beyond)
        client.resumes = client.resumes or reading.cursor
        self._index.add(client, client.keys)
        for subject, named in client.keys:
            if subject in _RUNS:
                self._jobs.add(named)

    def _opening(self, client: Client, reading: Log) -> tuple[list[Frame], Vector | None]:
        here, cursor = reading.position.offsets, reading.cursor
        if client.resumes is None:
            return [note("hello", cursor)], None
        since = _vector(client.resumes, reading)
        if since is None or not reading.ring.knows(since):
            GAPS.inc()
            return [note("hello", cursor), note("gap", cursor)], None
        missed = [
            told
            for told in reading.ring.since(since)
            if client.may_hear(told.event) and covers(client, told.event)
        ]
        for told in missed:
            for subject, named in told.event.keys:
                if subject in _RUNS:
                    self._jobs.add(named)
        is_ahead = any(told > known for told, known in zip(since, here, strict=True))
        frames = [note("hello", client.resumes), *(told.frame for told in missed)]
        return frames, since if is_ahead else None

    def _subscribe(self, client: Client, wish: Wish) -> None:
        keys = wish.keys()
        if client.is_implicit:
            client.is_implicit = False
            self._unsubscribe(client, {EVERYTHING})
        if len(client.keys | keys) > MOST_KEYS:
            raise InvalidInput("subscribe", f"at most {MOST_KEYS} subscriptions a connection")
        client.keys |= keys
        if self._is_greeted(client):
            self._index.add(client, keys)
            for named in (*wish.jobs, *wish.tasks):
                self._jobs.add(named)

    def _unsubscribe(self, client: Client, keys: set[tuple[str, str]]) -> None:
        client.keys -= keys
        self._index.remove(client, keys)


async def _is_behind(tail: Tail, reading: Log, ends: Mapping[TopicPartition, int]) -> bool:
    """Return whether a place is still to be read up to its end, and not held up."""
    for number, place in enumerate(reading.places.all):
        if not reading.is_full(number) and await tail.position(place) < ends[place]:
            return True
    return False


def _vector(cursor: str, reading: Log) -> Vector | None:
    """Return the cursor's offsets; None where it is not of these topics."""
    try:
        since = read(cursor, reading.places.counts)
    except MalformedCursor:
        return None
    ahead = max(told - known for told, known in zip(since, reading.position.offsets, strict=True))
    return None if ahead > FARTHEST_AHEAD else since


def _event_of(topic: str, record: Record) -> Event | None:
    """Return what a record tells; None where it is none of ours: other readers reject it."""
    try:
        if topic == STATUS_CHANGES.name:
            return of_status(STATUS_CHANGES.decode(record.value))
        return of_task(TASK_CHANGES.decode(record.value))
    except MalformedRecord:
        return None
