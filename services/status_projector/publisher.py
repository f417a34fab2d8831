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

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from runtime.errors import BrokerAway
from schemas.topics.topic import Outgoing

log = logging.getLogger(__name__)

STOP_WITHIN = timedelta(seconds=2)


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

    async def take_over(self, place: TopicPartition) -> None:
        """Fence whoever published for the partition before; its open transaction is ended.

        Raises `BrokerAway` when that did not succeed in time.
        """
        await self.drop(place)
        producer = AIOKafkaProducer(
            bootstrap_servers=self._config.bootstrap,
            transactional_id=f"{self._config.group}-{place.topic}-{place.partition}",
            transaction_timeout_ms=int(self._config.within.total_seconds() * 1_000),
            acks="all",
            enable_idempotence=True,
        )
        try:
            async with asyncio.timeout(2 * self._config.within.total_seconds()):
                await producer.start()
        except (TimeoutError, KafkaError) as error:
            await _stop(producer)
            raise BrokerAway(f"no transactional producer: {type(error).__name__}") from error
        except BaseException:
            await _stop(producer)
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
        try:
            async with asyncio.timeout(self._config.within.total_seconds()):
                await self._transaction(producer, place, records, next_offset)
        except (TimeoutError, KafkaError) as error:
            await self.drop(place)
            raise BrokerAway(f"outcome unknown: {type(error).__name__}") from error
        except BaseException:
            await self.drop(place)
            raise

    async def drop(self, place: TopicPartition) -> None:
        """Throw the partition's producer away."""
        producer = self._producers.pop(place, None)
        if producer is not None:
            await _stop(producer)

    async def keep_only(self, places: Sequence[TopicPartition]) -> None:
        """Throw away the producers of all other partitions."""
        others = [place for place in self._producers if place not in places]
        await asyncio.gather(*(self.drop(place) for place in others))

    async def _transaction(
        self,
        producer: AIOKafkaProducer,
        place: TopicPartition,
        records: Sequence[Outgoing],
        next_offset: int,
    ) -> None:
        await producer.begin_transaction()
        for record in records:
            await producer.send(
                record.topic, value=record.value, key=record.key, headers=list(record.headers)
            )
        await producer.send_offsets_to_transaction({place: next_offset}, self._config.group)
        await producer.commit_transaction()


async def _stop(producer: AIOKafkaProducer) -> None:
    # Stopping waits for what is being sent, which an absent broker never acknowledges.
    try:
        async with asyncio.timeout(STOP_WITHIN.total_seconds()):
            await producer.stop()
    except (TimeoutError, KafkaError) as error:
        log.info("producer.abandoned", extra={"why": type(error).__name__})
