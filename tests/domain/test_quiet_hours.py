"""When a person may be written to again, against a count of every minute."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.quiet_hours import NeverOpen, Nights, QuietHours, opens_at, zones_of

MINUTE = timedelta(minutes=1)
NIGHT = QuietHours(time(21), time(8))
UTC_ZONE = ZoneInfo("UTC")

CHANGES = [  # of the clocks: by an hour, by half an hour, at midnight, by a whole day
    ("Europe/Berlin", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
    ("America/Havana", datetime(2026, 3, 8, 5, tzinfo=UTC)),
    ("America/Havana", datetime(2026, 11, 1, 5, tzinfo=UTC)),
    ("Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC)),
]
OTHERS = ["America/New_York", "Asia/Kolkata", "Asia/Shanghai", "Pacific/Honolulu", "UTC"]

Scene = tuple[datetime, tuple[ZoneInfo, ...]]

clock_times = st.times().map(lambda at: at.replace(second=0, microsecond=0))
hours = st.builds(QuietHours, clock_times, clock_times).filter(lambda q: q.begins != q.ends)
others = st.lists(st.sampled_from(OTHERS), max_size=2, unique=True)


@st.composite
def nights_of_change(draw: st.DrawFn) -> Scene:
    zone, change = draw(st.sampled_from(CHANGES))
    before = draw(st.timedeltas(min_value=timedelta(), max_value=timedelta(hours=20)))
    return change - before, tuple(map(ZoneInfo, [zone, *draw(others)]))


@st.composite
def any_time(draw: st.DrawFn) -> Scene:
    passed = draw(st.timedeltas(min_value=timedelta(), max_value=timedelta(days=15 * 365)))
    zones = ["Europe/Berlin", *draw(others)]
    return datetime(2020, 1, 1, tzinfo=UTC) + passed, tuple(map(ZoneInfo, zones))


def is_quiet(moment: datetime, where: tuple[ZoneInfo, ...], quiet: QuietHours) -> bool:
    return any(quiet.holds(moment.astimezone(zone).time()) for zone in where)


@settings(max_examples=300, deadline=None)
@given(nights_of_change() | any_time(), hours)
def test_the_message_waits_for_the_first_minute_that_is_quiet_nowhere(
    scene: Scene, quiet: QuietHours
) -> None:
    now, where = scene
    try:
        opens = opens_at(now, where, quiet)
    except NeverOpen:
        opens = now + timedelta(days=3)

    if opens is None:
        assert not is_quiet(now, where, quiet)
        return
    minute = now
    while minute < opens:
        assert is_quiet(minute, where, quiet)
        minute = minute.replace(second=0, microsecond=0) + MINUTE
    assert minute == opens or opens == now + timedelta(days=3)
    assert opens - now == timedelta(days=3) or not is_quiet(opens, where, quiet)


SPRING, AUTUMN = "2026-03-28T22:00Z", "2026-10-24T21:00Z"
"""Eleven in the evening in Berlin, before the clocks are changed."""


@pytest.mark.parametrize(
    ("quiet", "now", "opens"),
    [
        # The end, 02:30, is skipped: when it would be 02:00 it is 03:00.
        ("22:00-02:30", SPRING, "2026-03-29T01:00Z"),
        # Seven hours by the clock, six in truth; and eight.
        ("23:00-06:00", SPRING, "2026-03-29T04:00Z"),
        ("23:00-06:00", AUTUMN, "2026-10-25T05:00Z"),
        # 02:30 comes twice: the first of them ends the night.
        ("22:00-02:30", AUTUMN, "2026-10-25T00:30Z"),
    ],
    ids=["gap", "short night", "long night", "twice"],
)
def test_the_night_in_which_the_clocks_are_changed(quiet: str, now: str, opens: str) -> None:
    hours = QuietHours.parse(quiet)
    assert hours is not None

    found = opens_at(datetime.fromisoformat(now), (ZoneInfo("Europe/Berlin"),), hours)

    assert found == datetime.fromisoformat(opens)


def test_a_night_begins_with_its_first_minute_and_ends_before_its_last() -> None:
    def at(hour: int, minute: int = 0) -> datetime | None:
        return opens_at(datetime(2026, 3, 2, hour, minute, tzinfo=UTC), (UTC_ZONE,), NIGHT)

    assert at(20, 59) is None
    assert at(21) == datetime(2026, 3, 3, 8, tzinfo=UTC)
    assert at(7, 59) == datetime(2026, 3, 2, 8, tzinfo=UTC)
    assert at(8) is None


def test_hours_within_a_day_are_quiet_as_well() -> None:
    siesta = QuietHours(time(13), time(15))
    now = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)

    assert opens_at(now, (UTC_ZONE,), siesta) == datetime(2026, 3, 2, 15, tzinfo=UTC)
    assert opens_at(now + timedelta(hours=1), (UTC_ZONE,), siesta) is None


def test_who_may_live_in_several_zones_is_written_to_when_it_is_day_in_all_of_them() -> None:
    russia = zones_of("+79161234567")
    moscow_morning = datetime(2026, 3, 2, 5, 30, tzinfo=UTC)

    assert len(russia) > 5
    # In Bucharest it is not yet eight, in Kamchatka not yet nine in the evening.
    assert opens_at(moscow_morning, russia, NIGHT) == datetime(2026, 3, 2, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("number", "zone"),
    [
        ("+8613800138000", "Asia/Shanghai"),
        ("+16505550001", "America/Los_Angeles"),
        ("+4917012345678", "Europe/Berlin"),
    ],
)
def test_a_number_tells_where_it_is_night(number: str, zone: str) -> None:
    assert [str(one) for one in zones_of(number)] == [zone]


@pytest.mark.parametrize("recipient", ["US.13491208655302741918", "zhangsan", "+882161234567", ""])
def test_who_cannot_be_found_on_the_map_lives_in_the_default_zone(recipient: str) -> None:
    nights = Nights(NIGHT, ZoneInfo("Asia/Shanghai"))

    assert zones_of(recipient) == ()
    held = nights.held_until(recipient, datetime(2026, 3, 2, 14, tzinfo=UTC))
    assert held == datetime(2026, 3, 3, 0, tzinfo=UTC)


def test_where_it_is_never_day_in_all_zones_the_default_zone_decides() -> None:
    long_nights = QuietHours(time(18), time(10))
    russian, noon = "+79161234567", datetime(2026, 3, 2, 12, tzinfo=UTC)

    with pytest.raises(NeverOpen):
        opens_at(noon, zones_of(russian), long_nights)

    nights = Nights(long_nights, UTC_ZONE)
    assert nights.held_until(russian, noon) is None
    held = nights.held_until(russian, noon + timedelta(hours=6))
    assert held == datetime(2026, 3, 3, 10, tzinfo=UTC)


def test_without_hours_nothing_is_held() -> None:
    midnight = datetime(2026, 3, 2, 0, tzinfo=UTC)

    assert Nights(QuietHours.parse(" "), UTC_ZONE).held_until("+16505550001", midnight) is None


@pytest.mark.parametrize("text", ["21-8", "21:00", "25:00-08:00", "21:60-08:00", "08:00-08:00"])
def test_hours_that_say_nothing_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must"):
        QuietHours.parse(text)


@pytest.mark.parametrize("text", ["21:00-08:00", " 21:00 - 8:00 ", "21:00–08:00"])  # noqa: RUF001 - people type the dash
def test_hours_may_be_written_in_several_ways(text: str) -> None:
    assert QuietHours.parse(text) == NIGHT
