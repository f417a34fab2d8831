"""How quickly something gets on, from how often it got on lately."""

from dataclasses import dataclass
from typing import Final

LOOK: Final = 1.0
"""Seconds that are looked at together; what was before weighs half as much each time."""


@dataclass(slots=True)
class Tempo:
    """A rate that follows what happens, by the caller's clock, in seconds."""

    since: float
    count: int = 0
    rate: float | None = None
    """A second; None until the first look."""

    def step(self) -> None:
        """Note that it got on by one."""
        self.count += 1

    def seconds_for(self, steps: int, now: float) -> float | None:
        """Return how long so many steps will take; None where nobody can tell yet.

        >>> tempo = Tempo(since=0.0)
        >>> tempo.seconds_for(10, now=0.5)
        >>> tempo.step(), tempo.step()
        (None, None)
        >>> tempo.seconds_for(10, now=1.0)
        5.0
        """
        elapsed = now - self.since
        if elapsed >= LOOK:
            measured = self.count / elapsed
            self.rate = measured if self.rate is None else (self.rate + measured) / 2
            self.since, self.count = now, 0
        if self.rate is None:
            return None
        return steps / self.rate if self.rate > 0 else float("inf")
