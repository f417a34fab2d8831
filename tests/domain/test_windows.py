from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.failures import ErrorCode, Origin
from domain.windows import closed, is_open

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DAY = timedelta(hours=24)


@given(st.timedeltas(min_value=timedelta(), max_value=timedelta(days=3)))
def test_a_window_is_open_for_its_length_after_the_last_message(age: timedelta) -> None:
    assert is_open(NOON - age, DAY, NOON) == (age < DAY)


def test_who_never_wrote_has_no_open_window() -> None:
    assert not is_open(None, DAY, NOON)


def test_a_channel_without_a_window_may_always_send() -> None:
    assert is_open(None, None, NOON)


def test_a_provider_whose_clock_is_ahead_closes_nothing() -> None:
    assert is_open(NOON + timedelta(seconds=5), DAY, NOON)


def test_a_closed_window_is_told_with_its_length_and_the_way_out() -> None:
    failure = closed(timedelta(hours=48))

    assert (failure.code, failure.origin) == (ErrorCode.UNKNOWN_ERROR, Origin.LOCAL)
    assert failure.detail == (
        "more than 48 hours since the recipient's last message: only a template may be sent"
    )
