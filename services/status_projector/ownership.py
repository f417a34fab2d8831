"""This process as the owner of partitions: takes them over, settles them, lets them go (ADR 7).

A partition is settled while everything that is applied of it is known to be published by our
present producer. Only of a settled partition more is applied.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import timedelta

import sqlalchemy as sa
from aiokafka import TopicPartition

from runtime.errors import BrokerAway, Fenced
from runtime.kafka.stream import Group
from runtime.postgres import in_thread
from schemas.topics.status_changes import STATUS_CHANGES, StatusChanged
from services.status_projector.metrics import REPUBLISHED
from services.status_projector.projection import Caused
from services.status_projector.publisher import Publisher
from services.status_projector.store import offsets
from services.status_projector.store.offsets import NOBODY, Claim, Place

log = logging.getLogger(__name__)

SOURCE = "/sendtrail/status_projector"

SEEN_WITHIN = timedelta(seconds=1)
LOOK_AGAIN = timedelta(milliseconds=20)

Claiming = Callable[[sa.Connection], dict[Place, Claim]]


class Ownership:
    """Which partitions are ours, by which epoch, and which of them are settled."""

    def __init__(self, engine: sa.Engine, publisher: Publisher) -> None:
        self._engine = engine
        self._publisher = publisher
        self._epochs: dict[Place, int] = {}
        # By the name of the producer under which each was settled: none outlives its producer.
        self._settled: dict[TopicPartition, str] = {}
        # The offsets that transactions of ours are known to have committed.
        self._committed: dict[TopicPartition, int] = {}

    @property
    def epochs(self) -> Mapping[Place, int]:
        """The epochs that let us write."""
        return self._epochs

    async def take_over(self, places: Collection[TopicPartition], group: Group) -> None:
        """Take the places that the group gave to us, whoever had them, and settle them."""
        if not places:
            return
        keys = [_key(place) for place in places]
        await self._take(places, group, lambda connection: offsets.claim(connection, keys))

    async def settle(self, places: Collection[TopicPartition], group: Group) -> None:
        """Take those of our places again that are not settled.

        Raises `Fenced` where another process has taken one of them meanwhile: only the group
        gives places, so whoever was frozen and thaws disturbs nobody.
        """
        due = [place for place in places if not self._is_settled(place)]
        if due:
            held = {_key(place): self._epochs.get(_key(place)) for place in due}
            await self._take(due, group, lambda connection: _take_back(connection, held))

    def doubt(self, places: Iterable[TopicPartition]) -> None:
        """Note that more may be applied of the places than is published."""
        for place in places:
            self._settled.pop(place, None)

    async def publish(
        self, caused: Sequence[Caused], next_offsets: Mapping[TopicPartition, int]
    ) -> None:
        """Publish what records below the offsets caused, all in one transaction, and settle.

        Raises `BrokerAway` when the outcome is unknown; no place at all is settled then.
        """
        # Only of places that caused something: the others' records may have come again, after a
        # take-over, and an older offset must not follow. The stream commits those.
        ends = {place: next_offsets[place] for place in map(_place, caused)}
        if caused:
            await self._publish([one.change for one in caused], ends)
        if (name := self._publisher.name) is not None:
            self._settled |= dict.fromkeys(next_offsets, name)

    async def let_go(self, places: Collection[TopicPartition], group: Group) -> None:
        """Clear our name from places of ours that are settled: nobody has to fence us for them.

        Not from those whose last transaction is not to be seen yet: its outcome is certain, but
        its offsets are not readable everywhere, and only fencing waits for that.
        """
        settled = [place for place in places if self._is_settled(place)]
        if not settled:
            return
        await self._committed_in(settled, group)
        self.doubt(settled)
        held = {_key(place): self._epochs[_key(place)] for place in settled}
        await in_thread(self._engine, lambda c: offsets.sign(c, held, NOBODY))

    def _is_settled(self, place: TopicPartition) -> bool:
        name = self._publisher.name
        return name is not None and self._settled.get(place) == name

    async def _take(
        self, places: Collection[TopicPartition], group: Group, claiming: Claiming
    ) -> None:
        self.doubt(places)
        name = await self._publisher.start()
        # In this order. From the new epochs on the former owners cannot apply; once they are
        # fenced they cannot publish, and what they achieved before is in the committed offsets.
        # Our name is entered before we publish, and theirs stays until they are fenced: whoever
        # follows finds the one that has to be.
        claims = await in_thread(self._engine, claiming)
        self._epochs |= {key: one.epoch for key, one in claims.items()}
        former = {one.owner for one in claims.values()} - {NOBODY, name}
        await _all_of(self._publisher.fence(one) for one in former)
        await in_thread(self._engine, lambda c: _sign(c, claims, name))
        committed = await self._committed_in(places, group)
        behind = {
            place: (committed[place], applied)
            for place in places
            if committed[place] < (applied := claims[_key(place)].next_offset)
        }
        await self._publish_again(behind)
        self._settled |= dict.fromkeys(places, name)

    async def _committed_in(
        self, places: Collection[TopicPartition], group: Group
    ) -> dict[TopicPartition, int]:
        """Return the committed offsets, at least those that we have committed.

        Kafka answers a commit before everybody can read the offsets in it. Raises `BrokerAway`
        when they are not to be seen in time.
        """
        deadline = asyncio.get_running_loop().time() + SEEN_WITHIN.total_seconds()
        while True:
            found = await asyncio.gather(*(group.committed(place) for place in places))
            committed = {place: one or 0 for place, one in zip(places, found, strict=True)}
            if all(one >= self._committed.get(place, 0) for place, one in committed.items()):
                return committed
            if asyncio.get_running_loop().time() > deadline:
                raise BrokerAway("the offsets of our last transaction are not to be seen")
            await asyncio.sleep(LOOK_AGAIN.total_seconds())

    async def _publish_again(self, behind: Mapping[TopicPartition, tuple[int, int]]) -> None:
        """Publish what the database is ahead of Kafka, all places' in one transaction."""
        found = await in_thread(
            self._engine,
            lambda c: {
                place: offsets.changes_between(c, _key(place), *span)
                for place, span in behind.items()
            },
        )
        changes = [STATUS_CHANGES.decode(change) for some in found.values() for change in some]
        if changes:
            ends = {place: behind[place][1] for place, some in found.items() if some}
            await self._publish(changes, ends)
            REPUBLISHED.inc(len(changes))
            log.info("changes.republished", extra={"places": len(ends), "count": len(changes)})

    async def _publish(
        self, changes: Iterable[StatusChanged], ends: Mapping[TopicPartition, int]
    ) -> None:
        records = [
            STATUS_CHANGES.record(change, source=SOURCE, at=change.recorded_at)
            for change in changes
        ]
        await self._publisher.publish(records, ends)
        self._committed |= ends


def _take_back(connection: sa.Connection, held: Mapping[Place, int | None]) -> dict[Place, Claim]:
    offsets.lock(connection, held)
    return offsets.claim(connection, held)


def _sign(connection: sa.Connection, claims: Mapping[Place, Claim], name: str) -> None:
    epochs = {key: one.epoch for key, one in claims.items()}
    if offsets.sign(connection, epochs, name) != epochs.keys():
        raise Fenced("a place was taken over while we did so")


def _place(caused: Caused) -> TopicPartition:
    return TopicPartition(caused.trigger.topic, caused.trigger.partition)


def _key(place: TopicPartition) -> Place:
    return place.topic, place.partition


async def _all_of(works: Iterable[Awaitable[None]]) -> None:
    """Do them at once; when all have ended, raise what the first of them raised."""
    for result in await asyncio.gather(*works, return_exceptions=True):
        if result is not None:
            raise result
