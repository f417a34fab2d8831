"""Reads what is told from the topics: the last minutes first, then whatever comes.

Every process reads all of it for its own clients, outside any consumer group.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from runtime.errors import BrokerAway
from runtime.kafka.alone import start_alone
from runtime.kafka.closing import close
from schemas.topics.provider_events import PROVIDER_EVENTS
from schemas.topics.status_changes import STATUS_CHANGES
from schemas.topics.task_changes import TASK_CHANGES

Record = ConsumerRecord[bytes, bytes]

TOPICS: Final = (STATUS_CHANGES.name, PROVIDER_EVENTS.name, TASK_CHANGES.name)
"""In the order in which cursors name them."""
RECENT: Final = timedelta(minutes=5)
"""What is read again for clients that come back."""
LEAST: Final = 50
"""Records of a quiet partition that are read again, however old. At its end there may be some that
no reader sees (ends of transactions), and a cursor from before them is still good."""
POLL: Final = timedelta(milliseconds=500)
MOST_POLLED: Final = 500
"""Records handled before others have their turn."""


@dataclass(frozen=True, slots=True)
class Places:
    """The partitions, numbered."""

    counts: tuple[int, ...]
    """How many partitions each of the topics has."""
    all: tuple[TopicPartition, ...]

    def number(self, place: TopicPartition) -> int:
        """Return the place's number."""
        return sum(self.counts[: TOPICS.index(place.topic)]) + place.partition


class Tail:
    """One consumer of all topics. Its calls raise KafkaError."""

    def __init__(self, bootstrap: str) -> None:
        self._consumer = AIOKafkaConsumer(
            *TOPICS,
            bootstrap_servers=bootstrap,
            isolation_level="read_committed",
            enable_auto_commit=False,
            # Where a topic was made anew, whoever listens has to know.
            auto_offset_reset="none",
        )

    async def start(self) -> Places:
        """Connect, and return the places. Raises `BrokerAway` where a topic is missing."""
        found = Counter(place.topic for place in await start_alone(self._consumer))
        missing = [topic for topic in TOPICS if topic not in found]
        if missing:
            raise BrokerAway(f"{missing[0]} is not known yet")
        places = tuple(
            TopicPartition(topic, number) for topic in TOPICS for number in range(found[topic])
        )
        return Places(tuple(found[topic] for topic in TOPICS), places)

    async def stop(self) -> None:
        """Disconnect."""
        await close(self._consumer)

    async def recent(self, places: Places, *, now_ms: int, most: int) -> list[int]:
        """Return the offsets to begin at, so that about ``most`` records at most are read again."""
        ends = await self._consumer.end_offsets(places.all)
        begins = await self._consumer.beginning_offsets(places.all)
        at = now_ms - int(RECENT.total_seconds() * 1_000)
        found = await self._consumer.offsets_for_times(dict.fromkeys(places.all, at))
        spans = [
            ends[place] - _begin(found, place, begins[place], ends[place]) for place in places.all
        ]
        share = min(1.0, most / max(1, sum(spans)))
        return [
            ends[place] - int(span * share) for place, span in zip(places.all, spans, strict=True)
        ]

    async def ends(self, places: Places) -> dict[TopicPartition, int]:
        """Return the offsets after the last records that can be read now."""
        return await self._consumer.end_offsets(places.all)

    def seek(self, places: Places, offsets: Sequence[int]) -> None:
        """Go on from these offsets."""
        for place, offset in zip(places.all, offsets, strict=True):
            self._consumer.seek(place, offset)

    async def position(self, place: TopicPartition) -> int:
        """Return the next offset that is read, ends of transactions passed over."""
        return await self._consumer.position(place)

    async def poll(self) -> Mapping[TopicPartition, Sequence[Record]]:
        """Return what has come, after a while nothing."""
        return await self._consumer.getmany(
            timeout_ms=int(POLL.total_seconds() * 1_000), max_records=MOST_POLLED
        )

    def paused(self) -> set[TopicPartition]:
        """Return the places that are not read for now."""
        return self._consumer.paused()

    def pause(self, place: TopicPartition) -> None:
        """Read no more of the place for now."""
        self._consumer.pause(place)

    def resume(self, place: TopicPartition) -> None:
        """Read on."""
        self._consumer.resume(place)


def _begin(
    found: Mapping[TopicPartition, object], place: TopicPartition, low: int, end: int
) -> int:
    since = getattr(found.get(place), "offset", end)
    return max(low, min(since, end - LEAST))
