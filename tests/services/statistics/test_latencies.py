from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.statistics.latencies import bucket_of, percentile, seconds_of

durations = st.timedeltas(min_value=timedelta(milliseconds=1), max_value=timedelta(days=30))


@given(duration=durations)
def test_a_bucket_tells_its_durations_within_five_percent(duration: timedelta) -> None:
    told = seconds_of(bucket_of(duration))

    # Half a per cent more for the rounding to three digits.
    assert told == pytest.approx(duration.total_seconds(), rel=0.055)


@given(one=durations, other=durations)
def test_a_longer_duration_never_falls_into_a_lower_bucket(
    one: timedelta, other: timedelta
) -> None:
    shorter, longer = sorted([one, other])

    assert bucket_of(shorter) <= bucket_of(longer)


@given(told=st.lists(durations, min_size=1, max_size=50), share=st.floats(0.01, 1))
def test_a_percentile_is_one_of_the_durations_and_as_many_lie_within_it(
    told: list[timedelta], share: float
) -> None:
    buckets: dict[int, int] = {}
    for duration in told:
        buckets[bucket_of(duration)] = buckets.get(bucket_of(duration), 0) + 1

    answer = percentile(buckets, share)

    assert answer in {seconds_of(bucket) for bucket in buckets}
    within = sum(1 for duration in told if seconds_of(bucket_of(duration)) <= answer)
    assert within >= len(told) * share


def test_of_nothing_there_is_no_percentile() -> None:
    assert percentile({}, 0.5) is None


def test_a_time_before_the_request_counts_as_none_at_all() -> None:
    assert seconds_of(bucket_of(timedelta(seconds=-3))) == 0
