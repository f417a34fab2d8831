"""On which days and at which hours something may be sent; outside of them it is held (IM-56)."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from domain.recurrence import instant_of

_WEEK: Final = 7
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SendingHours:
    """Days of the week, and from when to when on each.

    Over midnight where they end before they begin; the night belongs to the day it began on.
    """

    begins: time
    ends: time
    days: frozenset[int] = frozenset(range(_WEEK))
    """0 is Monday."""

    def __post_init__(self) -> None:
        """Refuse hours that are never."""
        if not self.days or not self.days <= frozenset(range(_WEEK)):
            raise ValueError("days must be some of 0 (Monday) to 6 (Sunday)")
        if self.begins == self.ends:
            raise ValueError("must not begin when it ends")


def opens_at(moment: datetime, hours: SendingHours, zone: ZoneInfo) -> datetime | None:
    """Return when what was to be sent at this moment may be sent, None where that is then.

    >>> from datetime import UTC
    >>> office = SendingHours(time(9), time(18), frozenset(range(5)))
    >>> friday_evening = datetime(2026, 3, 6, 19, tzinfo=UTC)
    >>> opens_at(friday_evening, office, ZoneInfo("UTC")).isoformat()
    '2026-03-09T09:00:00+00:00'
    """
    today = moment.astimezone(zone).date()
    # From yesterday, whose night may last, to the same day of next week, of which it may be late.
    for number in range(-1, _WEEK + 1):
        day = today + number * _DAY
        if day.weekday() not in hours.days:
            continue
        last = day if hours.begins < hours.ends else day + _DAY
        opens = instant_of(datetime.combine(day, hours.begins), zone)
        closes = instant_of(datetime.combine(last, hours.ends), zone)
        if opens <= moment < closes:
            return None
        if moment < opens < closes:
            return opens
    raise AssertionError("each week has one of the days")
