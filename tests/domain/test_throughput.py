"""The rate of a job is that of late, and unknown at the start (IM-24)."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.throughput import FORGOTTEN_AFTER, KNOWN_AFTER, Throughput, ended, rate, seconds_left
from tests.eventually import seconds
from tests.given import NOON


def steady(
    before: Throughput, *, per_tick: int, tick: timedelta, ticks: int, begin: timedelta
) -> Throughput:
    """Let so many end every tick, the first ones at the beginning."""
    after = before
    for number in range(ticks + 1):
        after = ended(after, per_tick, NOON + begin + number * tick)
    return after


@given(per_tick=st.integers(1, 500), tick=st.floats(0.05, 1.0), duration=st.floats(10, 600))
def test_a_steady_rate_is_found_however_long_it_lasts(
    per_tick: int, tick: float, duration: float
) -> None:
    ticks = int(duration / tick)
    going = steady(
        Throughput(), per_tick=per_tick, tick=seconds(tick), ticks=ticks, begin=seconds(0)
    )

    found = rate(going, NOON + ticks * seconds(tick))

    assert found == pytest.approx(per_tick / tick, rel=0.05)


def test_nobody_can_tell_at_the_start() -> None:
    begun = ended(ended(Throughput(), 50, NOON), 50, NOON + KNOWN_AFTER / 2)

    assert rate(Throughput(), NOON) is None
    assert rate(begun, NOON + KNOWN_AFTER * 0.9) is None
    assert rate(begun, NOON + KNOWN_AFTER) is not None


@given(pause=st.floats(FORGOTTEN_AFTER.total_seconds() + 2, 1e6))
def test_after_a_pause_the_rate_is_that_since_the_pause(pause: float) -> None:
    before = steady(
        Throughput(), per_tick=100, tick=seconds(1), ticks=300, begin=seconds(-pause - 300)
    )

    after = steady(before, per_tick=10, tick=seconds(1), ticks=20, begin=seconds(0))

    assert rate(before, NOON) is None
    assert rate(after, NOON + seconds(20)) == pytest.approx(10, rel=0.05)


def test_a_rate_that_falls_is_noticed_within_a_minute_or_two() -> None:
    fast = steady(Throughput(), per_tick=100, tick=seconds(1), ticks=600, begin=seconds(0))

    slow = steady(fast, per_tick=1, tick=seconds(1), ticks=120, begin=seconds(601))

    assert rate(slow, NOON + seconds(721)) == pytest.approx(1, abs=2)


@given(
    steps=st.lists(st.tuples(st.integers(0, 1_000), st.floats(-2, 500)), max_size=30),
    asked=st.floats(0, 1_000),
)
def test_whatever_the_clocks_say_a_rate_is_a_rate(
    steps: list[tuple[int, float]], asked: float
) -> None:
    throughput, now = Throughput(), NOON
    for count, passed in steps:
        now += seconds(passed)
        throughput = ended(throughput, count, now)

    found = rate(throughput, now + seconds(asked))

    assert found is None or found >= 0


def test_the_time_left_follows_from_the_rate() -> None:
    assert seconds_left(100, 8.0) == 12.5
    assert seconds_left(100, None) is None
    assert seconds_left(100, 0.0) is None
    assert seconds_left(0, None) == 0.0
