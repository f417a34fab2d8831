"""When a person is not to be woken, on the clock where the person lives (IM-14).

Where that is, only a phone number tells, and often not exactly: a number of several time zones
waits until it is day in all of them.
"""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import lru_cache
from typing import Final, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from phonenumbers.timezone import time_zones_for_number

_SPAN: Final = re.compile(r"\s*(\d\d?):(\d\d)\s*[-–]\s*(\d\d?):(\d\d)\s*")  # noqa: RUF001 - people type the dash
_SEARCHED: Final = timedelta(days=3)
"""Zones without a common waking minute in so long have none: the pattern is that of a day."""
_MINUTE: Final = timedelta(minutes=1)
_DAY: Final = timedelta(days=1)


class NeverOpen(ValueError):
    """At any time it is night in one of the zones: they are too many to be one person's."""


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From when to when; over midnight where it ends before it begins."""

    begins: time
    ends: time

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the hours of a setting, None of an empty one. Raises `ValueError`.

        >>> QuietHours.parse("21:00-08:00")
        QuietHours(begins=datetime.time(21, 0), ends=datetime.time(8, 0))
        """
        if not text.strip():
            return None
        found = _SPAN.fullmatch(text)
        if found is None:
            raise ValueError('must be empty or look like "21:00-08:00"')
        hour, minute, end_hour, end_minute = map(int, found.groups())
        hours = cls(time(hour, minute), time(end_hour, end_minute))
        if hours.begins == hours.ends:
            raise ValueError("must not begin when it ends")
        return hours

    def holds(self, local: time) -> bool:
        """Tell whether it is quiet at this time of day."""
        if self.begins < self.ends:
            return self.begins <= local < self.ends
        return local >= self.begins or local < self.ends


@dataclass(frozen=True, slots=True)
class Nights:
    """The rule as it is set: the hours, and where those are whose number does not tell."""

    hours: QuietHours | None
    default_zone: ZoneInfo

    def held_until(self, recipient: str, now: datetime) -> datetime | None:
        """Return when the recipient may be written to, None where that is now."""
        if self.hours is None:
            return None
        default = (self.default_zone,)
        try:
            return opens_at(now, zones_of(recipient) or default, self.hours)
        except NeverOpen:
            return opens_at(now, default, self.hours)


def opens_at(now: datetime, zones: tuple[ZoneInfo, ...], quiet: QuietHours) -> datetime | None:
    """Return the first minute from now on that is quiet in none of the zones.

    None where that is now. Raises `NeverOpen`.

    >>> from datetime import UTC
    >>> night = datetime(2026, 3, 2, 23, 15, tzinfo=UTC)
    >>> quiet = QuietHours(time(21), time(8))
    >>> opens_at(night, (ZoneInfo("Europe/Berlin"),), quiet).isoformat()
    '2026-03-03T07:00:00+00:00'
    """
    moment = now
    while held := [zone for zone in zones if _is_quiet(moment, zone, quiet)]:
        # Before the last of them opens, one is quiet; then another may have closed.
        moment = max(_opens(moment, zone, quiet) for zone in held)
        if moment - now > _SEARCHED:
            raise NeverOpen
    return None if moment == now else moment


@lru_cache(maxsize=65_536)
def zones_of(recipient: str) -> tuple[ZoneInfo, ...]:
    """Return the time zones that a phone number may belong to; none of anything else.

    >>> [str(zone) for zone in zones_of("+8613800138000")], zones_of("US.13491208655302741918")
    (['Asia/Shanghai'], ())
    """
    try:
        number = phonenumbers.parse(recipient, None)
    except phonenumbers.NumberParseException:
        return ()
    found = (_zone(name) for name in time_zones_for_number(number))
    return tuple(zone for zone in found if zone is not None)


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except ZoneInfoNotFoundError:  # "Etc/Unknown", or older or newer than this machine's data
        return None


def _is_quiet(moment: datetime, zone: ZoneInfo, quiet: QuietHours) -> bool:
    return quiet.holds(moment.astimezone(zone).time())


def _opens(moment: datetime, zone: ZoneInfo, quiet: QuietHours) -> datetime:
    """Return the first minute after a quiet moment that is not quiet."""
    local = moment.astimezone(zone)
    clock = local.replace(tzinfo=None)
    end = datetime.combine(clock.date(), quiet.ends)
    opens = moment + ((end if end > clock else end + _DAY) - clock)
    if opens.astimezone(zone).utcoffset() == local.utcoffset():
        return opens
    # The clocks are changed meanwhile: the end may be skipped, or come earlier or later.
    opens = moment.replace(second=0, microsecond=0)
    while _is_quiet(opens, zone, quiet):
        opens += _MINUTE
    return opens
