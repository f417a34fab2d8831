from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.rates import (
    RECOVERS_IN,
    SLOWED_AGAIN_AFTER,
    SLOWEST,
    NotBefore,
    Rate,
    Slowed,
    part_of,
    slow_down,
    slower,
    take,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

rates = st.builds(Rate, per_second=st.floats(0.05, 200, allow_nan=False), burst=st.integers(1, 50))
pauses = st.lists(st.integers(0, 3_000).map(lambda ms: timedelta(milliseconds=ms)), max_size=200)


def went(rate: Rate, pauses: list[timedelta]) -> list[datetime]:
    """Return when messages went that were tried at these distances from each other."""
    now, arrival, gone = NOON, None, list[datetime]()
    for pause in pauses:
        now += pause
        taken = take(rate, arrival, now)
        if not isinstance(taken, NotBefore):
            arrival = taken
            gone.append(now)
    return gone


@given(rates, pauses)
def test_no_span_of_time_has_more_than_the_burst_and_what_the_rate_gives(
    rate: Rate, pauses: list[timedelta]
) -> None:
    gone = went(rate, pauses)

    slack = timedelta(microseconds=len(gone) + 1)  # moments are whole microseconds
    for first in range(len(gone)):
        for last in range(first, len(gone)):
            span = gone[last] - gone[first] + slack
            assert last - first + 1 <= rate.burst + span / rate.interval


@given(rates, pauses)
def test_who_is_told_a_time_may_go_then(rate: Rate, pauses: list[timedelta]) -> None:
    now, arrival = NOON, None
    for pause in pauses:
        now += pause
        taken = take(rate, arrival, now)
        if isinstance(taken, NotBefore):
            assert taken.at > now
            now = taken.at
            taken = take(rate, arrival, now)
        assert not isinstance(taken, NotBefore)
        arrival = taken


def test_after_a_pause_the_whole_burst_may_go_at_once() -> None:
    assert went(Rate(10, burst=5), [timedelta()] * 8) == [NOON] * 5


def test_a_pause_saves_up_no_more_than_the_burst() -> None:
    hour = timedelta(hours=1)

    assert len(went(Rate(10, burst=5), [timedelta(), hour, *[timedelta()] * 20])) == 1 + 5


slowings = st.none() | st.builds(
    Slowed, to=st.floats(SLOWEST, 1.0), at=st.integers(0, 600).map(lambda s: NOON - s * second)
)
second = timedelta(seconds=1)


@given(slowings)
def test_a_throttle_leaves_less_but_never_nothing(before: Slowed | None) -> None:
    after = slow_down(before, NOON)

    if after is None:
        assert before is not None
        assert NOON - before.at < SLOWED_AGAIN_AFTER
    else:
        assert SLOWEST <= part_of(after, NOON) <= part_of(before, NOON)


@given(slowings, st.integers(0, 200), st.integers(0, 200))
def test_the_rate_grows_again_and_is_whole_in_the_end(
    slowed: Slowed | None, sooner: int, later: int
) -> None:
    sooner, later = sorted((sooner, later))

    assert part_of(slowed, NOON + sooner * second) <= part_of(slowed, NOON + later * second)
    assert part_of(slowed, NOON + RECOVERS_IN) == 1.0


@pytest.mark.parametrize("part", [1.0, 0.5, 0.02])
def test_a_slower_rate_can_still_send(part: float) -> None:
    left = slower(Rate(80, burst=8), part)

    assert left.per_second == 80 * part
    assert left.burst >= 1
