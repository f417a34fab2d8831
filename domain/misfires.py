"""What becomes of occurrences whose time passed while nobody could fire them (IM-16, IM-56)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

ON_TIME: Final = timedelta(minutes=1)
"""What is late by less is on time (NT-02)."""


class Misfire(StrEnum):
    """What is done about late occurrences."""

    SKIP = "skip"
    ONCE = "once"
    """The last of them stands for all."""
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Catching:
    """A policy: what is done, and how late is too late."""

    policy: Misfire
    within: timedelta | None = None
    """Later than that nothing is fired; None: however late."""


ONE_OFF: Final = Catching(Misfire.ONCE, timedelta(minutes=15))
"""What holds for a task that says nothing of it."""
RECURRING: Final = Catching(Misfire.ONCE)
"""The same for a recurring one."""


@dataclass(frozen=True, slots=True)
class Due:
    """Occurrences that are due, each in one of the two."""

    fired: Sequence[datetime]
    missed: Sequence[datetime]


def sorted_out(due: Sequence[datetime], now: datetime, catching: Catching) -> Due:
    """Say which of the occurrences that are due are fired. ``due`` rises and is not after ``now``.

    >>> from datetime import UTC
    >>> hours = [datetime(2026, 3, 2, hour, tzinfo=UTC) for hour in (9, 10, 11)]
    >>> now = datetime(2026, 3, 2, 11, 0, 1, tzinfo=UTC)
    >>> [one.hour for one in sorted_out(hours, now, RECURRING).fired]
    [11]
    >>> [one.hour for one in sorted_out(hours, now, Catching(Misfire.ALL)).fired]
    [9, 10, 11]
    """
    longest = catching.within
    in_time = [one for one in due if now - one <= ON_TIME or _is_wanted(now - one, longest)]
    match catching.policy:
        case Misfire.SKIP:
            fired = [one for one in due if now - one <= ON_TIME]
        case Misfire.ONCE:
            fired = in_time[-1:]
        case Misfire.ALL:
            fired = in_time
    chosen = set(fired)
    return Due(fired, [one for one in due if one not in chosen])


def _is_wanted(late: timedelta, longest: timedelta | None) -> bool:
    return longest is None or late <= longest
