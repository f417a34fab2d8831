"""Keeps a restored copy of the database from acting on the world (IM-57, domain/fence.py)."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import msgspec
import sqlalchemy as sa
import sqlalchemy.event
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from sqlalchemy.exc import SQLAlchemyError

from domain.fence import Bind, Bond, Live, Refuse, Stored, Tell, Verdict, Word, following, judge
from runtime.clock import Clock, now
from runtime.errors import BrokerAway, Fenced, TryAgainLater
from runtime.kafka.alone import start_alone
from runtime.kafka.closing import close
from runtime.lifespan import Work, running
from runtime.postgres import connect, in_thread
from runtime.settings import DatabaseSettings
from schemas.topics.fence import FENCE_TOPIC, FenceSaid, word_of

log = logging.getLogger(__name__)

RENEW_EVERY: Final = timedelta(seconds=2)
"""A backup that is older than this is known to be one."""
LOOK_EVERY: Final = timedelta(seconds=1)
ANSWERED_WITHIN: Final = timedelta(seconds=5)
_TURN: Final = 7_311_854_022_671_043_601
"""Any number of ours: one process at a time says a word, so Kafka hears them in their order."""
NOT_YET: Final = "it is being found out whether this is the live database"


class Fence:
    """Lets works run while the database is the live one; one for each process that acts."""

    def __init__(self, database_url: str, bootstrap: str, *, owner: str, clock: Clock) -> None:
        # One connection holds the turn while the other commits the word.
        self._engine = connect(database_url, pool=2)
        self._kafka = Kafka(bootstrap)
        self._owner = owner
        self._clock = clock
        self._epoch = 0
        self.problem: str | None = NOT_YET
        """Why nothing may be sent; None while all is well."""

    def watch(self, engine: sa.Engine) -> None:
        """Refuse connections to a database that is older than what was seen before.

        A backup that is restored under a running process is met by a new connection first.
        """

        def look(connection: Any, _: object) -> None:  # noqa: ANN401 - the driver's
            with connection.cursor() as cursor:
                cursor.execute("SELECT epoch FROM fence")
                row = cursor.fetchone()
            connection.rollback()
            if self._epoch > (0 if row is None else row[0]):
                self.problem = "the database is older than it was: a backup was restored"
                raise Fenced(self.problem)

        sqlalchemy.event.listen(engine, "connect", look)

    async def check(self) -> None:
        """Raise `TryAgainLater` while nothing may be accepted for sending."""
        if self.problem is not None:
            raise TryAgainLater(self.problem)

    async def keep(self, works: Mapping[str, Work]) -> None:
        """Run the works whenever, and as long as, this is the live database."""
        try:
            while True:
                if await self._is_live():
                    async with running(**works):
                        await self._until_refused()
                await asyncio.sleep(LOOK_EVERY.total_seconds())
        finally:
            await self._kafka.stop()
            self._engine.dispose()

    async def _until_refused(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY.total_seconds())
            if not await self._is_live():
                return

    async def _is_live(self) -> bool:
        """Look once. What cannot be asked now leaves things as they are."""
        try:
            verdict = await self._look()
        except (TryAgainLater, Fenced, KafkaError, SQLAlchemyError) as error:
            log.info("fence.unseen", extra={"why": type(error).__name__})
            return self.problem is None
        if isinstance(verdict, Refuse):
            if self.problem != verdict.reason:
                log.error("fence.refused", extra={"reason": verdict.reason})
            self.problem = verdict.reason
        elif isinstance(verdict, Live):
            if self.problem is not None:
                log.info("fence.live", extra={"epoch": self._epoch})
            self.problem = None
        return self.problem is None

    async def _look(self) -> Verdict:
        # Under the turn neither side can move between the two looks.
        async with self._turn():
            here, stored, heard = await self._see()
            verdict = judge(here, stored, heard)
            if await self._has_spoken(here, stored, verdict):
                here, stored, heard = await self._see()
                verdict = judge(here, stored, heard)
            if isinstance(verdict, Live) and stored is not None:
                self._epoch = stored.word.epoch
            return verdict

    async def _has_spoken(self, here: Bond, stored: Stored | None, verdict: Verdict) -> bool:
        """Say what has to be said, the database first; return whether there was anything."""
        at = self._clock()
        if isinstance(verdict, Bind):
            word = Word(1, uuid4().hex, None)
            await in_thread(self._engine, lambda c: _bind(c, here, word, self._owner, at))
        elif stored is not None and isinstance(verdict, Tell):
            word = stored.word
        elif stored is not None and isinstance(verdict, Live) and self._is_due(stored, at):
            word = Word(stored.word.epoch + 1, uuid4().hex, stored.word.nonce)
            await in_thread(self._engine, lambda c: _renew(c, word, at))
        else:
            return False
        await self._kafka.say(word, at)
        return True

    def _is_due(self, stored: Stored, now: datetime) -> bool:
        # At its start each process says a word: had two copies said the same until now, then only
        # one of them can go on.
        return self.problem is not None or now - stored.renewed_at >= RENEW_EVERY

    async def _see(self) -> tuple[Bond, Stored | None, Word | None]:
        cluster, heard = await self._kafka.hear()
        database, stored = await in_thread(self._engine, look_at)
        return Bond(cluster, database), stored, heard

    @asynccontextmanager
    async def _turn(self) -> AsyncGenerator[None]:
        """Hold the turn among the processes of this database."""
        connection = await asyncio.to_thread(self._take_turn)
        try:
            yield
        finally:
            await asyncio.to_thread(connection.close)

    def _take_turn(self) -> sa.Connection:
        connection = self._engine.connect()
        try:
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": _TURN})
        except BaseException:
            connection.close()
            raise
        return connection


def fence_of(settings: DatabaseSettings, *, owner: str) -> Fence:
    """Return the fence of a service's database and Kafka."""
    url = settings.database_url.get_secret_value()
    return Fence(url, settings.kafka_bootstrap_servers, owner=owner, clock=now)


async def confirm(database_url: str, bootstrap: str, *, by: str, at: datetime) -> Stored:
    """Make this database the live one of this Kafka, whatever either has said; return its word."""
    engine, kafka = connect(database_url, pool=1), Kafka(bootstrap)
    try:
        cluster, heard = await kafka.hear()

        def store(connection: sa.Connection) -> Stored:
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": _TURN})
            database, stored = look_at(connection)
            spoken = [
                0 if heard is None else heard.epoch,
                0 if stored is None else stored.word.epoch,
            ]
            word = Word(max(spoken) + 1, uuid4().hex, None, is_confirmed=True)
            bond = Bond(cluster, database)
            _bind(connection, bond, word, by, at)
            return Stored(bond, word, at)

        stored = await in_thread(engine, store)
        await kafka.say(stored.word, at)
    finally:
        await kafka.stop()
        engine.dispose()
    return stored


async def show(database_url: str, bootstrap: str) -> tuple[Bond, Stored | None, Word | None]:
    """Return where we are, what the database says and what Kafka has heard."""
    engine, kafka = connect(database_url, pool=1), Kafka(bootstrap)
    try:
        cluster, heard = await kafka.hear()
        database, stored = await in_thread(engine, look_at)
    finally:
        await kafka.stop()
        engine.dispose()
    return Bond(cluster, database), stored, heard


class Kafka:
    """The topic `fence`, read as it grows."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._cluster: str | None = None
        self._consumer: AIOKafkaConsumer | None = None
        self._producer: AIOKafkaProducer | None = None
        self._last: Word | None = None

    async def hear(self) -> tuple[str, Word | None]:
        """Return the cluster's id and the word that counts. Raises `BrokerAway`."""
        try:
            async with asyncio.timeout(ANSWERED_WITHIN.total_seconds()):
                consumer = await self._reading()
                await self._read_on(consumer)
        except (TimeoutError, KafkaError) as error:
            await self.stop()
            raise BrokerAway(type(error).__name__) from error
        return self._cluster or "", self._last

    async def say(self, word: Word, now: datetime) -> None:
        """Return when the broker has it. Raises `BrokerAway`."""
        said = FenceSaid(
            epoch=word.epoch,
            nonce=word.nonce,
            previous=word.previous,
            is_confirmed=word.is_confirmed,
            at=now,
        )
        try:
            async with asyncio.timeout(ANSWERED_WITHIN.total_seconds()):
                producer = await self._speaking()
                await producer.send_and_wait(FENCE_TOPIC, msgspec.json.encode(said))
        except (TimeoutError, KafkaError) as error:
            await self.stop()
            raise BrokerAway(type(error).__name__) from error

    async def stop(self) -> None:
        """Close; the next look begins anew."""
        # Forgotten only once it is closed: whoever is interrupted here comes again.
        self._last = None
        if self._consumer is not None:
            await close(self._consumer)
            self._consumer = None
        if self._producer is not None:
            with suppress(KafkaError):
                await self._producer.stop()
            self._producer = None

    async def _speaking(self) -> AIOKafkaProducer:
        if self._producer is None:
            self._producer = AIOKafkaProducer(bootstrap_servers=self._bootstrap, acks="all")
            await self._producer.start()
        return self._producer

    async def _reading(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            self._cluster = await _cluster_of(self._bootstrap)
            consumer = AIOKafkaConsumer(
                FENCE_TOPIC,
                bootstrap_servers=self._bootstrap,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
            )
            self._consumer = consumer
            if not await start_alone(consumer):
                await self.stop()
                raise BrokerAway("there is no topic `fence`; `sendtrail topics` creates it")
        return self._consumer

    async def _read_on(self, consumer: AIOKafkaConsumer) -> None:
        places = consumer.assignment()
        ends = await consumer.end_offsets(places)
        while any([await consumer.position(place) < ends[place] for place in places]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                for record in records:
                    if (word := word_of(record.value)) is not None:
                        self._last = following(self._last, word)


async def _cluster_of(bootstrap: str) -> str:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        return str((await admin.describe_cluster())["cluster_id"])
    finally:
        await admin.close()


_LOOK = sa.text(
    """
    SELECT system_identifier || '/' || (
               SELECT oid FROM pg_database WHERE datname = current_database()) AS here,
           f.kafka_cluster, f.database, f.epoch, f.nonce, f.previous, f.renewed_at
    FROM pg_control_system() LEFT JOIN fence f ON true
    """
)


def look_at(connection: sa.Connection) -> tuple[str, Stored | None]:
    """Return which database this is, and what it says."""
    row = connection.execute(_LOOK).one()
    if row.nonce is None:
        return row.here, None
    bond, word = Bond(row.kafka_cluster, row.database), Word(row.epoch, row.nonce, row.previous)
    return row.here, Stored(bond, word, row.renewed_at)


_BIND = sa.text(
    """
    INSERT INTO fence (kafka_cluster, database, epoch, nonce, previous, renewed_at, confirmed_at,
                       confirmed_by)
    VALUES (:cluster, :database, :epoch, :nonce, NULL, :now, :now, :by)
    ON CONFLICT (is_only) DO UPDATE
    SET kafka_cluster = :cluster, database = :database, epoch = :epoch, nonce = :nonce,
        previous = NULL, renewed_at = :now, confirmed_at = :now, confirmed_by = :by
    """
)


def _bind(connection: sa.Connection, bond: Bond, word: Word, by: str, now: datetime) -> None:
    values = {"cluster": bond.cluster, "database": bond.database, "by": by, "now": now}
    connection.execute(_BIND, {**values, "epoch": word.epoch, "nonce": word.nonce})


_RENEW = sa.text(
    """
    UPDATE fence SET epoch = :epoch, nonce = :nonce, previous = :previous, renewed_at = :now
    WHERE nonce = :previous
    """
)


def _renew(connection: sa.Connection, word: Word, now: datetime) -> None:
    values = {"epoch": word.epoch, "nonce": word.nonce, "previous": word.previous}
    connection.execute(_RENEW, {**values, "now": now})
