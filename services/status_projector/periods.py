"""When days and months begin and end on the clock of APP_TIMEZONE (CF-17, CF-43)."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def day_of(moment: datetime, zone: ZoneInfo) -> date:
    """Return the day that it is there."""
    return moment.astimezone(zone).date()


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """Return when a day begins there, in UTC.

    >>> start_of(date(2026, 3, 2), ZoneInfo("Asia/Kolkata")).isoformat()
    '2026-03-01T18:30:00+00:00'
    """
    return datetime.combine(day, time(), zone).astimezone(UTC)


def days(first: date, last: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return when the first day begins and when the last one ends."""
    return start_of(first, zone), start_of(last + timedelta(days=1), zone)


def month(year: int, number: int, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return when a month begins and when it ends.

    >>> [moment.isoformat() for moment in month(2026, 12, ZoneInfo("UTC"))]
    ['2026-12-01T00:00:00+00:00', '2027-01-01T00:00:00+00:00']
    """
    after = (year + 1, 1) if number == 12 else (year, number + 1)  # noqa: PLR2004 - December
    return start_of(date(year, number, 1), zone), start_of(date(*after, 1), zone)


def whole_days(since: datetime, before: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return when the whole days of the range begin there, and when they end.

    Where there are none, both are its beginning.

    >>> half_past = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
    >>> [d.isoformat() for d in whole_days(half_past, half_past + timedelta(2), ZoneInfo("UTC"))]
    ['2026-03-02T00:00:00+00:00', '2026-03-03T00:00:00+00:00']
    """
    begins = start_of(day_of(since, zone), zone)
    first = since if begins == since else start_of(day_of(since, zone) + timedelta(days=1), zone)
    last = start_of(day_of(before, zone), zone)
    return (first, last) if first < last else (since, since)
