"""The events of the last minutes, for those who come back after a lost connection."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from services.status_projector.live.cursors import Vector
from services.status_projector.live.events import Told

STRETCH: Final = 256
"""Events for which one vector is kept."""


@dataclass(slots=True)
class _Stretch:
    before: tuple[int, ...]
    """The next offset of each place before the first of these events."""
    events: list[Told] = field(default_factory=list[Told])


class Ring:
    """The most recent events, in the order they were told; the oldest go first.

    It knows everything from the offsets on that it begins with.
    """

    def __init__(self, begin: Sequence[int], *, most: int) -> None:
        self._stretches = deque([_Stretch(tuple(begin))])
        self._most = max(1, most // STRETCH)

    @property
    def begin(self) -> tuple[int, ...]:
        """The offsets from which on nothing is missing."""
        return self._stretches[0].before

    def make_room(self, before: Sequence[int]) -> None:
        """Prepare for the next event; ``before`` are the next offsets before it."""
        if len(self._stretches[-1].events) == STRETCH:
            self._stretches.append(_Stretch(tuple(before)))
            if len(self._stretches) > self._most + 1:
                self._stretches.popleft()

    def add(self, told: Told) -> None:
        """Add an event."""
        self._stretches[-1].events.append(told)

    def knows(self, since: Vector) -> bool:
        """Return whether everything from these offsets on is here."""
        return _is_within(self.begin, since)

    def since(self, since: Vector) -> Iterator[Told]:
        """Return what was told from these offsets on."""
        for stretch in self._stretches_since(since):
            for told in stretch.events:
                if told.offset >= since[told.place]:
                    yield told

    def _stretches_since(self, since: Vector) -> list[_Stretch]:
        # From the newest back to the first before which nothing is new to the client.
        found: list[_Stretch] = []
        for stretch in reversed(self._stretches):
            found.append(stretch)
            if _is_within(stretch.before, since):
                break
        return found[::-1]


def _is_within(before: Sequence[int], since: Vector) -> bool:
    return all(told <= known for told, known in zip(before, since, strict=True))
