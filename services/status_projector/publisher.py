"""Publishes a partition's changes and its offset in one Kafka transaction (promise 3).

One transactional id an input partition: a new owner's producer fences the old one's. After any
error the outcome of a commit is unknown, so the producer is thrown away, and what is in the
history beyond the committed offset is published again by its successor.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from runtime.errors import BrokerAway
from schemas.topics.topic import Outgoing

log = logging.getLogger(__name__)

STOP_WITHIN = timedelta(seconds=2)
RETRY_BACKOFF = timedelta(milliseconds=10)
"""A transaction that begins before the last one's markers are written everywhere is put off by this
time (KAFKA-5477). That is common; the client's own 100 ms would be most of our latency."""


@dataclass(frozen=True, slots=True)
class PublisherConfig:
    """Where to, for which group, and how long a transaction may last."""

    bootstrap: str
    group: str
    within: timedelta


class Publisher:
    """The transactional producers of the partitions that this process owns."""

    def __init__(self, config: PublisherConfig) -> None:
        self._config = config
        self._producers: dict[TopicPartition, AIOKafkaProducer] = {}
        # Producers that were thrown away and have not closed yet.
        self._closing: set[asyncio.Task[None]] = set()

    async def take_over(self, place: TopicPartition) -> None:
        """Fence whoever published for the partition before; its open transaction is ended.

        Raises `BrokerAway` when that did not succeed in time.
        """
        self.drop(place)
        producer = AIOKafkaProducer(
            bootstrap_servers=self._config.bootstrap,
            transactional_id=f"{self._config.group}-{place.topic}-{place.partition}",
            transaction_timeout_ms=int(self._config.within.total_seconds() * 1_000),
            acks="all",
            enable_idempotence=True,
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
        self._producers[place] = producer

    async def publish(
        self, place: TopicPartition, records: Sequence[Outgoing], next_offset: int
    ) -> None:
        """Publish the records and commit the offset, both or none.

        Raises `BrokerAway` when the outcome is unknown; the partition must then be taken over
        again before anything else is published for it.
        """
        producer = self._producers.get(place)
        if producer is None:
            raise BrokerAway("its producer was thrown away")
        transaction = asyncio.create_task(self._transaction(producer, place, records, next_offset))
        transaction.add_done_callback(_seen)
        try:
            async with asyncio.timeout(self._config.within.total_seconds()):
                # Shielded: cut short, it leaves errors behind in aiokafka that nobody asks for.
                await asyncio.shield(transaction)
        except (TimeoutError, KafkaError) as error:
            self.drop(place, transaction)
            raise BrokerAway(f"outcome unknown: {type(error).__name__}") from error
        except BaseException:
            self.drop(place, transaction)
            raise

    def drop(self, place: TopicPartition, transaction: asyncio.Task[None] | None = None) -> None:
        """Throw the partition's producer away, and its transaction where one is in progress."""
        producer = self._producers.pop(place, None)
        if producer is not None:
            self._close(producer, transaction)

    async def stop(self) -> None:
        """Throw all producers away, and wait a bounded time for them to close."""
        for place in list(self._producers):
            self.drop(place)
        if self._closing:
            _, late = await asyncio.wait(self._closing, timeout=STOP_WITHIN.total_seconds())
            for closing in late:
                closing.cancel()

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
        place: TopicPartition,
        records: Sequence[Outgoing],
        next_offset: int,
    ) -> None:
        await producer.begin_transaction()
        handed: list[asyncio.Future[Any]] = []
        for record in records:
            future = await producer.send(
                record.topic, value=record.value, key=record.key, headers=list(record.headers)
            )
            future.add_done_callback(_seen)
            handed.append(future)
        await producer.send_offsets_to_transaction({place: next_offset}, self._config.group)
        # aiokafka commits also when the broker refused a record, which would then be missing.
        await asyncio.gather(*handed)
        await producer.commit_transaction()


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
