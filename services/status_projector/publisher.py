"""Publishes changes and the offsets they come from in one Kafka transaction (promise 3).

One producer a process, under a name that nobody else and no former producer of this one has.
After any error the outcome of a commit is unknown, so the producer is thrown away; its successor
has another name, and whoever takes a partition over fences the name that published for it before.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from runtime.errors import BrokerAway
from runtime.kafka.producer import BATCH_BYTES
from schemas.topics.topic import Outgoing

log = logging.getLogger(__name__)

STOP_WITHIN = timedelta(seconds=2)
RETRY_BACKOFF = timedelta(milliseconds=10)
"""A transaction that begins before the last one's markers are written everywhere is put off by this
time (KAFKA-5477). That is common; the client's own 100 ms would be most of our latency."""


@dataclass(frozen=True, slots=True)
class PublisherConfig:
    """Where to, for which group, as whom, and how long a transaction may last."""

    bootstrap: str
    group: str
    owner: str
    """A name that no other process has, nor an earlier life of this one."""
    within: timedelta


class Publisher:
    """The transactional producer of this process."""

    def __init__(self, config: PublisherConfig) -> None:
        self._config = config
        self._producer: AIOKafkaProducer | None = None
        self._number = 0
        # Producers that were thrown away and have not closed yet.
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def name(self) -> str | None:
        """The name of the producer at work; None without one."""
        return None if self._producer is None else self._last_name

    async def start(self) -> str:
        """Start a producer under a new name where none is at work; return the name.

        A new one each time: others fence the name that they find on a partition, also long after
        we have lost it, and must not meet us at work under it.
        Raises `BrokerAway` when that did not succeed in time.
        """
        if self._producer is None:
            self._number += 1
            self._producer = await self._begun(self._last_name)
        return self._last_name

    async def fence(self, name: str) -> None:
        """Return when nobody can publish under the name any more and nothing of it is open.

        An open transaction is aborted, one that is being committed is committed everywhere: the
        broker answers no earlier. Raises `BrokerAway` when that did not succeed in time.
        """
        self._close(await self._begun(name))

    async def publish(
        self, records: Sequence[Outgoing], offsets: Mapping[TopicPartition, int]
    ) -> None:
        """Publish the records and commit the next offsets, all or nothing.

        Raises `BrokerAway` when the outcome is unknown; every partition must then be taken over
        again before anything else is published for it.
        """
        producer = self._producer
        if producer is None:
            raise BrokerAway("the producer was thrown away")
        transaction = asyncio.create_task(self._transaction(producer, records, offsets))
        transaction.add_done_callback(_seen)
        try:
            async with asyncio.timeout(self._config.within.total_seconds()):
                # Shielded: cut short, it leaves errors behind in aiokafka that nobody asks for.
                await asyncio.shield(transaction)
        except (TimeoutError, KafkaError) as error:
            self._drop(transaction)
            raise BrokerAway(f"outcome unknown: {type(error).__name__}") from error
        except BaseException:
            self._drop(transaction)
            raise

    async def stop(self) -> None:
        """Throw the producer away, and wait a bounded time for all to close."""
        self._drop()
        if self._closing:
            _, late = await asyncio.wait(self._closing, timeout=STOP_WITHIN.total_seconds())
            for closing in late:
                closing.cancel()

    @property
    def _last_name(self) -> str:
        return f"{self._config.owner}#{self._number}"

    async def _begun(self, name: str) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._config.bootstrap,
            transactional_id=f"{self._config.group}-{name}",
            transaction_timeout_ms=int(self._config.within.total_seconds() * 1_000),
            acks="all",
            enable_idempotence=True,
            max_batch_size=BATCH_BYTES,
            retry_backoff_ms=int(RETRY_BACKOFF.total_seconds() * 1_000),
        )
        try:
            async with asyncio.timeout(2 * self._config.within.total_seconds()):
                await producer.start()
        except (TimeoutError, KafkaError) as error:
            self._close(producer)
            raise BrokerAway(f"no transactional producer: {type(error).__name__}") from error
        except BaseException:
            self._close(producer)
            raise
        return producer

    def _drop(self, transaction: asyncio.Task[None] | None = None) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            self._close(producer, transaction)

    def _close(
        self, producer: AIOKafkaProducer, transaction: asyncio.Task[None] | None = None
    ) -> None:
        # Not awaited and not cut short: stopping waits for what is being sent, which an absent
        # broker never acknowledges, and a stop that is cancelled leaves its connections open.
        closing = asyncio.create_task(_stopped(producer, transaction))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    async def _transaction(
        self,
        producer: AIOKafkaProducer,
        records: Sequence[Outgoing],
        offsets: Mapping[TopicPartition, int],
    ) -> None:
        await producer.begin_transaction()
        _watch(producer)
        # First: whoever was fenced learns it here, and leaves no record behind in aiokafka.
        await producer.send_offsets_to_transaction(dict(offsets), self._config.group)
        handed: list[asyncio.Future[Any]] = []
        for record in records:
            future = await producer.send(
                record.topic, value=record.value, key=record.key, headers=list(record.headers)
            )
            future.add_done_callback(_seen)
            handed.append(future)
        # aiokafka commits also when the broker refused a record, which would then be missing.
        await asyncio.gather(*handed)
        await producer.commit_transaction()


def _watch(producer: AIOKafkaProducer) -> None:
    # aiokafka keeps a future of the transaction's end, which nobody asks for when it ends before
    # its commit; asyncio would complain of its error. There is no public way to it.
    hidden = cast("Any", producer)
    hidden._txn_manager.wait_for_transaction_end().add_done_callback(_seen)  # noqa: SLF001


def _seen(future: asyncio.Future[Any]) -> None:
    # Whoever gave up on a transaction no longer asks what became of its records.
    if not future.cancelled():
        future.exception()


async def _stopped(producer: AIOKafkaProducer, transaction: asyncio.Task[None] | None) -> None:
    try:
        await producer.stop()
    except KafkaError as error:
        log.info("producer.abandoned", extra={"why": type(error).__name__})
    finally:
        if transaction is not None:
            transaction.cancel()
