"""What this process has read and told: positions, the ring, and inbound messages that wait.

An inbound message is told once the projector has entered it, so that whoever asks for it then finds
it. Until then its partition's position, and with it every cursor, stands before it.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from services.status_projector.live.cursors import Position, Vector
from services.status_projector.live.events import Event, Told, frame_of
from services.status_projector.live.ring import Ring
from services.status_projector.live.tail import Places

MOST_WAITING: Final = 2_000
"""Inbound messages of one partition that wait to be entered; with more it is not read on."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A record that speaks of an inbound message, of ours by this id."""

    place: int
    partition: int
    offset: int
    message_id: str


@dataclass(slots=True)
class Log:
    """One reading of the topics. What is told goes into the ring and moves the position."""

    places: Places
    position: Position
    """What has been told."""
    read: Vector
    """What has been read: beyond the position only where something waits."""
    ring: Ring
    waiting: dict[int, deque[Arrival]] = field(default_factory=dict[int, deque[Arrival]])

    @classmethod
    def begun(cls, places: Places, offsets: Sequence[int], *, keep: int) -> "Log":
        """Return one that has read nothing yet, and will keep this many events."""
        ring = Ring(offsets, most=keep)
        return cls(places, Position(places.counts, offsets), list(offsets), ring)

    @property
    def cursor(self) -> str:
        """Where a client stands that was told everything so far."""
        return self.position.text

    def tell(self, event: Event, place: int, offset: int) -> Told:
        """Enter an event: its frame's cursor is past it."""
        self.ring.make_room(self.position.offsets)
        self.position.move(place, offset + 1)
        frame = frame_of(event, self.position.text)
        told = Told(event=event, frame=frame, place=place, offset=offset)
        self.ring.add(told)
        self.read[place] = max(self.read[place], offset + 1)
        return told

    def pass_over(self, place: int, offset: int) -> None:
        """Note a record that is told to nobody."""
        self.read[place] = offset + 1
        if place not in self.waiting:
            self.position.move(place, offset + 1)

    def wait(self, arrival: Arrival) -> None:
        """Note a record that is told later."""
        self.read[arrival.place] = arrival.offset + 1
        self.waiting.setdefault(arrival.place, deque()).append(arrival)

    def is_full(self, place: int) -> bool:
        """Return whether no more of the place should be read for now."""
        return len(self.waiting.get(place, ())) >= MOST_WAITING

    def first_waiting(self, limit: int) -> list[Arrival]:
        """Return what waits first in each place."""
        return [one for arrivals in self.waiting.values() for one in islice(arrivals, limit)]

    def done(self, arrival: Arrival) -> None:
        """Take the place's first arrival away: it was told, or there is nothing to tell."""
        place, arrivals = arrival.place, self.waiting[arrival.place]
        arrivals.popleft()
        if not arrivals:
            del self.waiting[place]
        self.position.move(place, arrival.offset + 1 if arrivals else self.read[place])
