"""How many rows of which job are let into the stream now (architecture, promise 7; IM-13).

The backlog waits in the database and only a bounded window of it in Kafka, so that a cancel or
an urgent message takes effect within about a second however much is queued.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Priority = Literal["high", "medium", "low"]

PRIORITIES: Final[tuple[Priority, ...]] = ("high", "medium", "low")
"""The most urgent first (TP-04)."""


@dataclass(frozen=True, slots=True)
class Window:
    """The bound on one job's messages between `send-requests` and the provider's answer."""

    size: int = 1_000
    """At the pipeline's 400 messages a second: two and a half seconds of work."""
    refill_below: float = 0.75
    """Refilled in steps rather than one by one: a step is one statement and one batch."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The bounds on what jobs have in flight."""

    per_job: int = Window().size
    of_all: int = 2_000
    """Five seconds of work, however many jobs there are."""


def places(window: Window, *, in_flight: int, waiting: int) -> int:
    """Return how many waiting rows to feed now; 0 while the window is full enough.

    >>> places(Window(size=100), in_flight=0, waiting=30)
    30
    >>> places(Window(size=100), in_flight=90, waiting=30)
    0
    """
    if in_flight > window.size * window.refill_below:
        return 0
    return max(0, min(waiting, window.size - in_flight))


def windows(
    bounds: Bounds, jobs: Mapping[Priority, int], *, elsewhere: int = 0
) -> dict[Priority, Window]:
    """Return the window of a job of each priority, given how many jobs have rows waiting.

    Half of the bound is dealt out evenly, so that each job gets on whatever the others are; the
    rest goes to the most urgent first. ``elsewhere``: what is in flight of jobs without waiting
    rows. It takes nothing from the even half: messages may be in flight for a day, where a daily
    limit is used up. The windows together keep within the bound, except that each holds one.

    >>> {p: w.size for p, w in windows(Bounds(1_000, 2_000), {"high": 1, "low": 2}).items()}
    {'high': 1000, 'low': 500}
    """
    count = sum(jobs.values())
    if count == 0:
        return {}
    even = min(bounds.per_job, max(1, bounds.of_all // (2 * count)))
    room = max(0, bounds.of_all - elsewhere - even * count)
    more = bounds.per_job - even
    sized: dict[Priority, Window] = {}
    for priority in PRIORITIES:
        alike = jobs.get(priority, 0)
        if alike:
            more = min(more, room // alike)
            room -= more * alike
            sized[priority] = Window(even + more)
    return sized
