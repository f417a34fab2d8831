"""At which instants a schedule's occurrences lie (IM-15, CF-29, CF-30).

A recurrence keeps its wall time in its zone, whatever the clocks do there: daily, weekly on its
weekday, monthly on its day. A month without that day has it on its last. A wall time that is
skipped is taken as the next minute there is, one that comes twice as its first.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import islice, takewhile
from typing import Final
from zoneinfo import ZoneInfo

from dateutil.rrule import DAILY, MONTHLY, WEEKLY, rrule

_SECOND: Final = timedelta(seconds=1)
_EVERY_MONTH_HAS: Final = 28
_BEFORE: Final = timedelta(days=3)
"""More than any zone is away from UTC, or ever skipped at once."""


class Every(StrEnum):
    """How often something recurs."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


@dataclass(frozen=True, slots=True)
class Schedule:
    """When something is to happen: once, or again and again."""

    first: datetime
    """An instant; a recurrence takes wall time, weekday and day of the month from it."""
    zone: ZoneInfo
    every: Every | None = None
    """None: once."""
    until: datetime | None = None
    """The last instant that counts; None: for ever."""

    def __post_init__(self) -> None:
        """Refuse parts of a second: a recurrence has none."""
        if self.first.microsecond:
            raise ValueError("first must be a whole second")


def occurrences(schedule: Schedule, *, after: datetime) -> Iterator[datetime]:
    """Return the instants later than ``after``, in order, each once, in UTC; for ever, it may be.

    >>> new_york = ZoneInfo("America/New_York")
    >>> first = datetime(2026, 3, 7, 7, 30, tzinfo=UTC)  # 2:30, which 8 March does not have
    >>> daily = Schedule(first, new_york, Every.DAILY)
    >>> [str(one.astimezone(new_york)) for one in upcoming(daily, after=first, count=2)]
    ['2026-03-08 03:00:00-04:00', '2026-03-09 02:30:00-04:00']
    """
    first = schedule.first.astimezone(UTC)
    if schedule.every is None:
        return iter([first] if after < first else [])
    instants = _rising(schedule, schedule.every, after)
    late = (one for one in instants if one > after)
    until = schedule.until
    return late if until is None else takewhile(lambda one: one <= until, late)


def upcoming(schedule: Schedule, *, after: datetime, count: int) -> list[datetime]:
    """Return the next instants, ``count`` of them at most."""
    return list(islice(occurrences(schedule, after=after), count))


def next_occurrence(schedule: Schedule, *, after: datetime) -> datetime | None:
    """Return the next instant, None where none is left."""
    return next(occurrences(schedule, after=after), None)


def _rising(schedule: Schedule, every: Every, after: datetime) -> Iterator[datetime]:
    """Return the recurrence's instants from about ``after`` on, none of them twice.

    A day that a zone skipped as a whole is taken as the midnight that followed it, which may be an
    occurrence of its own.
    """
    latest = first = schedule.first.astimezone(UTC)
    yield first
    start = first.astimezone(schedule.zone).replace(tzinfo=None)
    for wall in _walls(start, every, max(after, first).astimezone(UTC).replace(tzinfo=None)):
        instant = instant_of(wall, schedule.zone)
        if wall > start and instant > latest:
            latest = instant
            yield instant


def _walls(start: datetime, every: Every, after: datetime) -> Iterator[datetime]:
    """Return the wall times from about ``after`` on; none is left out by beginning late."""
    # A rule counts from its beginning: near what is wanted, it need not count through years.
    near = max(start, after - _BEFORE).date()
    match every:
        case Every.DAILY:
            rule = rrule(DAILY, dtstart=datetime.combine(near, start.time()))
        case Every.WEEKLY:
            begin = datetime.combine(near, start.time())
            rule = rrule(WEEKLY, dtstart=begin, byweekday=start.weekday())
        case Every.MONTHLY:
            begin = datetime.combine(near.replace(day=1), start.time())
            days = range(min(start.day, _EVERY_MONTH_HAS), start.day + 1)
            rule = rrule(MONTHLY, dtstart=begin, bymonthday=days, bysetpos=-1)
    return iter(rule)


def instant_of(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant of a wall time: of two the first, of none the next minute there is.

    >>> berlin = ZoneInfo("Europe/Berlin")
    >>> instant_of(datetime(2026, 10, 25, 2, 30), berlin).isoformat()
    '2026-10-25T00:30:00+00:00'
    >>> instant_of(datetime(2026, 3, 29, 2, 30), berlin).isoformat()
    '2026-03-29T01:00:00+00:00'
    """
    local = wall.replace(tzinfo=zone, fold=0)
    instant = local.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == wall:
        return instant
    # Skipped: read by the offset after the gap it lies before it, by the one before it behind it.
    return _change(local.replace(fold=1).astimezone(UTC), instant, zone)


def _change(before: datetime, behind: datetime, zone: ZoneInfo) -> datetime:
    """Return the first second between the two with the later one's offset."""
    offset = behind.astimezone(zone).utcoffset()
    while behind - before > _SECOND:
        middle = before + timedelta(seconds=(behind - before) // _SECOND // 2)
        if middle.astimezone(zone).utcoffset() == offset:
            behind = middle
        else:
            before = middle
    return behind
