"""Each occurrence once, none missing, at its wall time: against an oracle that counts days."""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.recurrence import Every, Schedule, instant_of, next_occurrence, occurrences, upcoming

ZONES = (
    "America/New_York",
    "America/Sao_Paulo",  # gave up changing its clocks
    "Africa/Casablanca",  # changes them around Ramadan
    "Asia/Kathmandu",
    "Asia/Shanghai",
    "Asia/Tehran",
    "Australia/Lord_Howe",  # by half an hour
    "Europe/Berlin",
    "Pacific/Apia",  # skipped a day
    "Pacific/Chatham",
)
TEN_YEARS = timedelta(days=3653)
BEFORE = datetime(2000, 1, 1, tzinfo=UTC)

EARLIEST, LATEST = datetime(2008, 1, 1), datetime(2030, 1, 1)  # noqa: DTZ001 - hypothesis wants them without a zone

a_zone = st.sampled_from(ZONES).map(ZoneInfo)
an_instant = st.datetimes(EARLIEST, LATEST).map(
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)
a_recurrence = st.builds(Schedule, an_instant, a_zone, st.sampled_from(Every))


def by_the_minute(wall: datetime, zone: ZoneInfo) -> datetime:
    """Find a wall time's instant by going through the day from its start, minute by minute."""
    # No zone is more than 14 hours ahead of UTC.
    moment = (wall - timedelta(hours=15)).replace(second=0, tzinfo=UTC)
    while True:
        seconds = timedelta(seconds=wall.second)
        clock = (moment + seconds).astimezone(zone).replace(tzinfo=None)
        if clock == wall:
            return moment + seconds
        if (
            clock > wall
            and (moment - timedelta(minutes=1)).astimezone(zone).replace(tzinfo=None) < wall
        ):
            return moment
        moment += timedelta(minutes=1)


def dates(start: date, every: Every, end: date) -> list[date]:
    """Count the days of a recurrence, one by one."""
    days = [start + timedelta(days=number) for number in range((end - start).days + 1)]
    if every is Every.DAILY:
        return days
    if every is Every.WEEKLY:
        return [day for day in days if day.weekday() == start.weekday()]
    last = {(day.year, day.month): monthrange(day.year, day.month)[1] for day in days}
    return [day for day in days if day.day == min(start.day, last[day.year, day.month])]


@given(a_recurrence)
def test_ten_years_have_what_the_calendar_says(schedule: Schedule) -> None:
    assert schedule.every is not None
    end = schedule.first + TEN_YEARS
    start = schedule.first.astimezone(schedule.zone).replace(tzinfo=None)

    found = list(
        occurrences(
            Schedule(schedule.first, schedule.zone, schedule.every, until=end), after=BEFORE
        )
    )

    walls = [
        datetime.combine(day, start.time())
        for day in dates(start.date(), schedule.every, end.date() + timedelta(days=2))
    ][1:]
    wanted = {instant_of(wall, schedule.zone) for wall in walls}
    assert found == sorted(
        {schedule.first} | {one for one in wanted if schedule.first < one <= end}
    )


@given(a_recurrence)
def test_none_comes_twice_and_each_is_at_its_wall_time_where_there_is_one(
    schedule: Schedule,
) -> None:
    found = upcoming(schedule, after=BEFORE, count=500)
    clock = schedule.first.astimezone(schedule.zone).time()

    assert all(earlier < later for earlier, later in pairwise(found))
    for one in found[1:]:
        local = one.astimezone(schedule.zone)
        # Elsewhere it is the first minute after a gap: a second before, the clocks differed.
        before = (one - timedelta(seconds=1)).astimezone(schedule.zone)
        assert local.time() == clock or before.utcoffset() != local.utcoffset()


@given(st.datetimes(EARLIEST, LATEST), a_zone)
def test_an_instant_is_the_one_found_minute_by_minute(wall: datetime, zone: ZoneInfo) -> None:
    wall = wall.replace(microsecond=0)

    assert instant_of(wall, zone) == by_the_minute(wall, zone)


@pytest.mark.parametrize("zone", ZONES)
def test_the_changes_of_ten_years_are_found_minute_by_minute_too(zone: str) -> None:
    where = ZoneInfo(zone)
    hours = [EARLIEST.replace(tzinfo=UTC) + timedelta(hours=number) for number in range(24 * 3653)]
    offsets = [hour.astimezone(where).utcoffset() for hour in hours]
    changes = [hours[n] for n in range(1, len(hours)) if offsets[n] != offsets[n - 1]]
    for change in changes:
        for minutes in (-31, 0, 45):
            wall = (change + timedelta(minutes=minutes)).astimezone(where).replace(tzinfo=None)
            for around in (-60, 0, 30):
                one = wall + timedelta(minutes=around)
                assert instant_of(one, where) == by_the_minute(one, where)


@given(a_recurrence, st.integers(0, 400), st.integers(-1, 1))
def test_beginning_late_leaves_none_out(schedule: Schedule, number: int, beside: int) -> None:
    found = upcoming(schedule, after=BEFORE, count=number + 3)
    after = found[number] + timedelta(seconds=beside)

    assert upcoming(schedule, after=after, count=1) == [one for one in found if one > after][:1]


@given(an_instant, a_zone, st.integers(-5, 5))
def test_once_is_once(first: datetime, zone: ZoneInfo, seconds: int) -> None:
    after = first + timedelta(seconds=seconds)

    assert next_occurrence(Schedule(first, zone), after=after) == (first if seconds < 0 else None)


def test_the_last_day_of_a_month_stands_in_for_those_it_does_not_have() -> None:
    schedule = Schedule(datetime(2027, 12, 31, 18, tzinfo=UTC), ZoneInfo("UTC"), Every.MONTHLY)

    found = upcoming(schedule, after=schedule.first, count=4)

    assert [one.date() for one in found] == [
        date(2028, 1, 31),
        date(2028, 2, 29),
        date(2028, 3, 31),
        date(2028, 4, 30),
    ]


def test_a_skipped_midnight_is_not_an_occurrence_of_its_own() -> None:
    apia = ZoneInfo("Pacific/Apia")  # went from 29 to 31 December 2011
    midnight = datetime.combine(date(2011, 12, 29), time()).replace(tzinfo=apia)

    found = upcoming(Schedule(midnight, apia, Every.DAILY), after=BEFORE, count=3)

    assert [str(one.astimezone(apia)) for one in found] == [
        "2011-12-29 00:00:00-10:00",
        "2011-12-31 00:00:00+14:00",
        "2012-01-01 00:00:00+14:00",
    ]


def test_the_second_of_two_equal_hours_may_be_the_first_occurrence() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    first = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)  # 2:30 for the second time

    found = upcoming(Schedule(first, berlin, Every.DAILY), after=BEFORE, count=2)

    assert found == [first, datetime(2026, 10, 26, 1, 30, tzinfo=UTC)]


def test_parts_of_a_second_are_refused() -> None:
    with pytest.raises(ValueError, match="whole second"):
        Schedule(datetime(2026, 3, 2, 12, 0, 0, 1, tzinfo=UTC), ZoneInfo("UTC"))
