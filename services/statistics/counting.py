"""What one status change adds to the statistics, and why adding it twice changes nothing.

A *level* is how far a message got: sending < sent < delivered < read. A change that takes a message
from below a level to it or past it adds one to that level, a change back takes one away, so a
message read without a reported delivery counts as delivered as well (CF-16), and one that was
sent and then failed is no success any more (CF-58). ``failed`` counts the messages that are failed.
Added up over all of a message's changes this is a function of its present status, hence:

    sent      = messages now sent, delivered or read
    delivered = messages now delivered or read
    failed    = messages now failed

A window holds the changes recorded in it (``recorded_at``), and windows add up to the total; so a
window in which more was taken back than added shows a negative number.

Each entry carries the offset of the last change it contains. Entries belong to one partition, whose
changes come in order, so a change at or below that offset is in the entry already.
"""

from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

import msgspec

from domain.failures import ErrorCode
from domain.lifecycle import Status
from schemas.topics.status_changes import StatusChanged
from services.statistics.latencies import bucket_of


class Window(StrEnum):
    """Over which stretch of time an entry counts."""

    MINUTE = "minute"
    HOUR = "hour"
    TOTAL = "total"
    """Everything there ever was."""


class Dimension(StrEnum):
    """What an entry counts by."""

    CHANNEL = "channel"
    SENDER = "sender"
    JOB = "job"


SIZE: Final = {Window.MINUTE: 60, Window.HOUR: 3_600}
"""Seconds of a window."""

KEPT: Final = {Window.MINUTE: timedelta(hours=2), Window.HOUR: timedelta(hours=48)}
"""How long after its end a window can be asked for; totals stay."""

LEVELS: Final = (Status.SENDING, Status.SENT, Status.DELIVERED, Status.READ)
COUNTED: Final = (*LEVELS, Status.FAILED)
"""The order of `Entry.counts`."""

_REACHED: Final = {status: place for place, status in enumerate(LEVELS, start=1)}
_FAILED: Final = len(LEVELS)
_UNNAMED: Final = ErrorCode.UNKNOWN_ERROR


class Place(NamedTuple):
    """Which entry: its identity within the table."""

    window: Window
    start: int
    """Seconds since 1970 (UTC); 0 for the total."""
    dimension: Dimension
    id: str
    partition: int
    """An entry counts one partition's changes; an answer is the sum over all partitions."""

    def to_key(self) -> bytes:
        """Return the key in the changelog; the id comes last, as it may contain anything."""
        return (f"{self.partition}/{self.window}/{self.start}/{self.dimension}/{self.id}").encode()

    @classmethod
    def of_key(cls, key: bytes) -> "Place":
        """Return the place that `to_key` wrote."""
        partition, window, start, dimension, identifier = key.decode().split("/", 4)
        return cls(Window(window), int(start), Dimension(dimension), identifier, int(partition))

    def is_kept(self, now: datetime) -> bool:
        """Whether the entry may still be asked for."""
        if self.window is Window.TOTAL:
            return True
        return self.start + SIZE[self.window] > now.timestamp() - KEPT[self.window].total_seconds()


class Entry(msgspec.Struct, gc=False):
    """The numbers of one place; changed in place while a batch is counted."""

    applied: int = -1
    """Offset of the last change that is counted here."""
    counts: list[int] = msgspec.field(default_factory=lambda: [0] * len(COUNTED))
    failed_by_code: dict[str, int] = {}
    to_sent: dict[int, int] = {}
    """Bucket of the time from request to ``sent``, and how many."""
    to_delivered: dict[int, int] = {}

    def add(self, effect: "Effect") -> None:
        """Count a change once more or for the first time; the caller compares offsets."""
        for place, sign in effect.counts:
            self.counts[place] += sign
        if effect.failed_code is not None:
            code, sign = effect.failed_code
            self.failed_by_code[code] = self.failed_by_code.get(code, 0) + sign
        if effect.to_sent is not None:
            self.to_sent[effect.to_sent] = self.to_sent.get(effect.to_sent, 0) + 1
        if effect.to_delivered is not None:
            bucket = effect.to_delivered
            self.to_delivered[bucket] = self.to_delivered.get(bucket, 0) + 1


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change adds to every entry it belongs to."""

    counts: tuple[tuple[int, int], ...]
    """Index into `Entry.counts`, and +1 or -1."""
    failed_code: tuple[str, int] | None
    to_sent: int | None
    """Bucket; only of changes to ``sent`` itself: where it was skipped its time is not known."""
    to_delivered: int | None


def effect_of(change: StatusChanged) -> Effect:
    """Return what the change adds."""
    before, after = change.from_status, change.to_status
    waited = change.updated_at - change.sent_at
    delivered = _REACHED[Status.DELIVERED]
    arrived = _REACHED.get(before, 0) < delivered <= _REACHED.get(after, 0)
    took = change.delivered_at - change.sent_at if change.delivered_at is not None else waited
    return Effect(
        counts=_CROSSINGS[before, after],
        failed_code=_failed_code(change),
        to_sent=bucket_of(waited) if after is Status.SENT is not before else None,
        to_delivered=bucket_of(took) if arrived else None,
    )


def places_of(change: StatusChanged, partition: int) -> tuple[Place, ...]:
    """Return the entries a change belongs to: each window by channel, sender and job."""
    recorded = int(change.recorded_at.timestamp())
    minute = recorded - recorded % SIZE[Window.MINUTE]
    return _places(minute, change.channel, change.sender_id, change.job_id, partition)


def count(
    entries: MutableMapping[Place, Entry],
    partition: int,
    changes: Iterable[tuple[int, StatusChanged]],
    now: datetime,
) -> set[Place]:
    """Count a partition's next (offset, change) pairs into ``entries``; return what was touched.

    Pairs come in the order of their offsets. Those counted before are passed over, so any split
    into batches and any redelivery of a suffix ends in the same entries. Windows that are no
    longer kept are not begun again.
    """
    touched: set[Place] = set()
    for offset, change in changes:
        effect = effect_of(change)
        for place in places_of(change, partition):
            entry = entries.get(place)
            if entry is None:
                if not place.is_kept(now):
                    continue
                entry = entries[place] = Entry()
            if offset > entry.applied:
                entry.add(effect)
                entry.applied = offset
                touched.add(place)
    return touched


@lru_cache(maxsize=1_024)  # neighbours mostly share them, and building them took 10 of 13 µs
def _places(
    minute: int, channel: str, sender_id: str, job_id: str | None, partition: int
) -> tuple[Place, ...]:
    hour = minute - minute % SIZE[Window.HOUR]
    named = [(Dimension.CHANNEL, channel), (Dimension.SENDER, sender_id)]
    if job_id is not None:
        named.append((Dimension.JOB, job_id))
    return tuple(
        Place(window, start, dimension, identifier, partition)
        for window, start in ((Window.MINUTE, minute), (Window.HOUR, hour), (Window.TOTAL, 0))
        for dimension, identifier in named
    )


def _failed_code(change: StatusChanged) -> tuple[str, int] | None:
    match (change.from_status is Status.FAILED, change.to_status is Status.FAILED):
        case (False, True):
            return (change.error.code if change.error is not None else _UNNAMED), 1
        case (True, False):
            return (change.overruled or _UNNAMED), -1
        case _:
            return None


def _crossings(before: Status, after: Status) -> tuple[tuple[int, int], ...]:
    low, high = _REACHED.get(before, 0), _REACHED.get(after, 0)
    climbed = tuple((place, 1) for place in range(low, high))
    fell = tuple((place, -1) for place in range(high, low))
    failed = (after is Status.FAILED) - (before is Status.FAILED)
    return climbed + fell + (((_FAILED, failed),) if failed else ())


_CROSSINGS: Final = {(a, b): _crossings(a, b) for a in Status for b in Status}
