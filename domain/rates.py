"""How fast an account may send, kept exactly by one moment a limit (LM-03, IM-14).

The moment is the theoretical arrival time of the generic cell rate algorithm: when the next
message would come if they came evenly. It is all that has to be stored, so any number of processes
share a limit by sharing a row, and a restart forgets nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final


@dataclass(frozen=True, slots=True)
class Rate:
    """So many in a second, with some ahead of their time."""

    per_second: float
    burst: int = 1
    """How many may come at once after a pause."""

    @property
    def interval(self) -> timedelta:
        """The time between two messages that come evenly."""
        return timedelta(seconds=1 / self.per_second)


@dataclass(frozen=True, slots=True)
class NotBefore:
    """There is no room now; there is at this time, unless others take it."""

    at: datetime


def take(rate: Rate, arrival: datetime | None, now: datetime) -> datetime | NotBefore:
    """Return the next arrival time when a message may go now, else when one may.

    ``arrival`` is what the last `take` returned, None when there was none.

    >>> noon = datetime(2026, 3, 2, 12)
    >>> take(Rate(2), None, noon) - noon
    datetime.timedelta(microseconds=500000)
    >>> take(Rate(2), noon + timedelta(seconds=0.5), noon).at - noon
    datetime.timedelta(microseconds=500000)
    """
    due = now if arrival is None else max(arrival, now)
    ahead = rate.interval * (rate.burst - 1)
    return due + rate.interval if due - ahead <= now else NotBefore(due - ahead)


SLOWED_TO: Final = 0.8
"""What part of the rate a throttling answer leaves."""
SLOWED_AGAIN_AFTER: Final = timedelta(seconds=1)
"""Answers to what was called before the last slowing say nothing of the new rate."""
SLOWEST: Final = 0.02
"""What part of the rate always stays: a message that is tried tells whether there is room again."""
RECOVERS_IN: Final = timedelta(seconds=10)
"""From the slowest to the full rate, evenly."""


@dataclass(frozen=True, slots=True)
class Slowed:
    """That a provider had no room: which part of the rate was left, and when."""

    to: float
    at: datetime


def part_of(slowed: Slowed | None, now: datetime) -> float:
    """Return which part of its rate a sender has now: after a slowing it grows again, evenly."""
    if slowed is None:
        return 1.0
    return min(1.0, slowed.to + max((now - slowed.at) / RECOVERS_IN, 0.0))


def slow_down(slowed: Slowed | None, now: datetime) -> Slowed | None:
    """Return what a throttling answer makes of it, None where it is too soon to tell."""
    if slowed is not None and now - slowed.at < SLOWED_AGAIN_AFTER:
        return None
    return Slowed(max(part_of(slowed, now) * SLOWED_TO, SLOWEST), now)


_AHEAD: Final = 0.1
"""How many seconds of a rate may go at once: providers count by the second."""


def evenly(per_second: float) -> Rate | None:
    """Return the rate of a sender that may send so many a second; 0: any number.

    >>> evenly(80), evenly(0)
    (Rate(per_second=80, burst=8), None)
    """
    return Rate(per_second, max(1, int(per_second * _AHEAD))) if per_second else None


PRESUMED: Final = Rate(250, 25)
"""Of a sender without a limit of ours, while its provider has no room: the part left is of this."""


def slower(rate: Rate, part: float) -> Rate:
    """Return that part of a rate; the burst shrinks along."""
    return Rate(rate.per_second * part, max(int(rate.burst * part), 1))
