from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.failures import ErrorCode
from domain.fallbacks import FAILS_WITHIN, LONGEST_PAUSE, Seen, Step, Wish, decide, next_look
from domain.lifecycle import Status
from tests.domain.facts import NOON, at

ON_FAILURE = Wish()
ON_BAD_NUMBER = Wish(frozenset({ErrorCode.INVALID_RECIPIENT}))
UNLESS_DELIVERED = Wish(unless=Status.DELIVERED, deadline=at(60))

errors = st.frozensets(st.sampled_from(ErrorCode), max_size=3)
steps = st.sampled_from([Status.SENT, Status.DELIVERED, Status.READ])
wishes = st.builds(Wish, errors) | st.builds(Wish, errors, steps, st.integers(1, 99).map(at))
alive = st.sampled_from([status for status in Status if status is not Status.FAILED])
elapsed = st.timedeltas(timedelta(), timedelta(hours=72))


def step(wish: Wish, status: Status | None, error: ErrorCode | None = None, at: float = 0) -> Step:
    now = NOON + timedelta(seconds=at)
    return decide(wish, Seen(status, error), noted_at=NOON, now=now)


@pytest.mark.parametrize("error", ErrorCode)
def test_without_a_named_error_any_failure_calls_for_the_fallback(error: ErrorCode) -> None:
    assert step(ON_FAILURE, Status.FAILED, error) is Step.SEND


@given(wishes, st.sampled_from(ErrorCode), elapsed)
def test_a_failure_with_another_error_ends_the_wait(
    wish: Wish, error: ErrorCode, passed: timedelta
) -> None:
    seen = Seen(Status.FAILED, error)

    wanted = Step.SEND if not wish.on_errors or error in wish.on_errors else Step.FORGET

    assert decide(wish, seen, noted_at=NOON, now=NOON + passed) is wanted


@pytest.mark.parametrize(
    ("status", "before", "after"),
    [
        (None, Step.LOOK_AGAIN, Step.LOOK_AGAIN),
        (Status.PENDING, Step.LOOK_AGAIN, Step.SEND),
        (Status.SENDING, Step.LOOK_AGAIN, Step.SEND),
        (Status.SENT, Step.LOOK_AGAIN, Step.SEND),
        (Status.DELIVERED, Step.FORGET, Step.FORGET),
        (Status.READ, Step.FORGET, Step.FORGET),
    ],
)
def test_a_message_that_has_not_come_far_enough_by_the_deadline_is_replaced(
    status: Status | None, before: Step, after: Step
) -> None:
    assert step(UNLESS_DELIVERED, status, at=59) is before
    assert step(UNLESS_DELIVERED, status, at=60) is after


@given(alive, elapsed)
def test_without_a_deadline_nothing_but_a_failure_calls_for_the_fallback(
    status: Status, passed: timedelta
) -> None:
    assert decide(ON_BAD_NUMBER, Seen(status), noted_at=NOON, now=NOON + passed) is not Step.SEND


@given(wishes, st.none() | alive)
def test_no_message_is_looked_at_for_ever(wish: Wish, status: Status | None) -> None:
    end = max(NOON, wish.deadline or NOON) + FAILS_WITHIN

    assert decide(wish, Seen(status), noted_at=NOON, now=end) is not Step.LOOK_AGAIN


@given(wishes, elapsed)
def test_the_next_look_is_ahead_soon_and_not_past_the_deadline(
    wish: Wish, passed: timedelta
) -> None:
    now = NOON + passed

    look = next_look(wish, noted_at=NOON, now=now)

    assert now < look <= now + LONGEST_PAUSE
    if wish.deadline is not None and now < wish.deadline:
        assert look <= wish.deadline


def test_looks_come_each_second_at_first_and_each_half_minute_later() -> None:
    pauses = [
        next_look(ON_FAILURE, noted_at=NOON, now=at(passed)) - at(passed)
        for passed in (0, 4, 20, 120, 9_999)
    ]

    assert [pause.total_seconds() for pause in pauses] == [1, 1, 5, 30, 30]
