"""How fast a job gets on now, and how long it will take at that rate (BJ-05, IM-24).

Ends are counted in a number that fades: after `FADES_IN` a third of it is left. So the rate is of
the last minute or so, and neither a slow start nor a pause spoils it. After a silence of
`FORGOTTEN_AFTER` the measuring begins anew.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp
from typing import Final

FADES_IN: Final = timedelta(seconds=30)
FORGOTTEN_AFTER: Final = timedelta(minutes=2)
KNOWN_AFTER: Final = timedelta(seconds=3)
"""What is measured for a shorter time says nothing yet."""


@dataclass(frozen=True, slots=True)
class Throughput:
    """The ends of late."""

    recent: float = 0.0
    """How many, faded as of `at`."""
    since: datetime | None = None
    """When the measuring began; None: nothing has ended yet."""
    at: datetime | None = None
    """When something ended last."""


def ended(before: Throughput, count: int, now: datetime) -> Throughput:
    """Return the throughput after so many more ends.

    The first ones begin the measuring and do not count: nobody knows how long they took.
    """
    if not count:
        return before
    if before.since is None or before.at is None or now - before.at > FORGOTTEN_AFTER:
        return Throughput(0.0, now, now)
    # Clocks of two processes may differ a little.
    latest = max(before.at, now)
    return Throughput(_faded(before, latest) + count, before.since, latest)


def rate(throughput: Throughput, now: datetime) -> float | None:
    """Return how many end in a second; None while nobody can tell."""
    if throughput.since is None or throughput.at is None:
        return None
    measured = now - throughput.since
    if measured < KNOWN_AFTER or now - throughput.at > FORGOTTEN_AFTER:
        return None
    # What a steady rate of one a second would have left by now.
    whole = FADES_IN.total_seconds() * (1 - exp(-(measured / FADES_IN)))
    return _faded(throughput, max(now, throughput.at)) / whole


def seconds_left(left: int, per_second: float | None) -> float | None:
    """Return how long the rest takes at this rate; None where that is unknown."""
    if left <= 0:
        return 0.0
    return round(left / per_second, 1) if per_second else None


def _faded(throughput: Throughput, now: datetime) -> float:
    passed = timedelta() if throughput.at is None else now - throughput.at
    return throughput.recent * exp(-(passed / FADES_IN))
