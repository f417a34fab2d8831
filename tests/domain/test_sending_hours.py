"""What is held goes at the first minute that is allowed, by the clock of its zone."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.sending_hours import SendingHours, opens_at

ZONES = ("UTC", "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "Europe/Berlin")

a_time = st.times().map(lambda clock: clock.replace(second=0, microsecond=0))
some_hours = (
    st.tuples(a_time, a_time, st.frozensets(st.integers(0, 6), min_size=1))
    .filter(lambda parts: parts[0] != parts[1])
    .map(lambda parts: SendingHours(*parts))
)
a_minute = st.integers(0, 365 * 24 * 60).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


def holds(moment: datetime, hours: SendingHours, zone: ZoneInfo) -> bool:
    """Tell from the clock alone whether it may be sent then."""
    local = moment.astimezone(zone)
    if hours.begins < hours.ends:
        return local.weekday() in hours.days and hours.begins <= local.time() < hours.ends
    evening = local.weekday() in hours.days and local.time() >= hours.begins
    return evening or ((local.weekday() - 1) % 7 in hours.days and local.time() < hours.ends)


def clocks_change_about(moment: datetime, zone: ZoneInfo) -> bool:
    days = (moment + timedelta(days=number) for number in range(-2, 10))
    return len({day.astimezone(zone).utcoffset() for day in days}) > 1


@given(a_minute, some_hours, st.sampled_from(ZONES).map(ZoneInfo))
def test_it_is_the_first_minute_that_is_allowed(
    moment: datetime, hours: SendingHours, zone: ZoneInfo
) -> None:
    opens = opens_at(moment, hours, zone)

    if not clocks_change_about(moment, zone):
        assert (opens is None) == holds(moment, hours, zone)
    if opens is not None:
        assert opens_at(opens, hours, zone) is None
        assert opens_at(opens - timedelta(minutes=1), hours, zone) == opens


def test_an_opening_that_the_clocks_skip_is_the_minute_after() -> None:
    early = SendingHours(time(2, 30), time(6))

    opens = opens_at(datetime(2026, 3, 29, 0, tzinfo=UTC), early, ZoneInfo("Europe/Berlin"))

    assert opens == datetime(2026, 3, 29, 1, tzinfo=UTC)


@pytest.mark.parametrize("days", [frozenset[int](), frozenset({7})])
def test_days_that_do_not_exist_are_refused(days: frozenset[int]) -> None:
    with pytest.raises(ValueError, match="days"):
        SendingHours(time(9), time(18), days)


def test_hours_that_end_when_they_begin_are_refused() -> None:
    with pytest.raises(ValueError, match="begin"):
        SendingHours(time(9), time(9))
