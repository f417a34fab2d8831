from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.outcomes import Scope
from domain.retries import GiveUp, RetryAt, RetryPolicy, after_throttle, next_step, rest_after
from tests.domain.facts import NOON

chances = st.floats(0, 1, exclude_max=True)


@pytest.mark.parametrize(("attempt", "longest"), [(1, 1), (2, 2), (3, 4)])
def test_the_pauses_double_and_lie_in_the_upper_half(attempt: int, longest: int) -> None:
    shortest = next_step(RetryPolicy(), attempt=attempt, now=NOON, chance=0)
    middle = next_step(RetryPolicy(), attempt=attempt, now=NOON, chance=0.5)

    assert shortest == RetryAt(NOON + timedelta(seconds=longest / 2))
    assert middle == RetryAt(NOON + timedelta(seconds=longest * 0.75))


@pytest.mark.parametrize("attempt", [4, 5, 100])
def test_after_the_first_attempt_and_three_more_we_give_up(attempt: int) -> None:
    step = next_step(RetryPolicy(), attempt=attempt, now=NOON, chance=0.5)

    assert step == GiveUp()


@given(st.integers(1, 2_000), chances)
def test_no_pause_is_longer_than_the_longest_however_often_it_doubles(
    attempt: int, chance: float
) -> None:
    policy = RetryPolicy(attempts=10_000)

    step = next_step(policy, attempt=attempt, now=NOON, chance=chance)

    assert isinstance(step, RetryAt)
    assert policy.base / 2 <= step.due_at - NOON <= policy.longest


@given(st.integers(1, 3), chances, st.timedeltas(timedelta(-1), timedelta(days=9_999)))
def test_retry_after_moves_a_pause_later_never_earlier_and_never_beyond_its_cap(
    attempt: int, chance: float, asked: timedelta
) -> None:
    policy = RetryPolicy()

    own = next_step(policy, attempt=attempt, now=NOON, chance=chance)
    step = next_step(policy, attempt=attempt, now=NOON, chance=chance, retry_after=asked)

    assert isinstance(own, RetryAt)
    assert isinstance(step, RetryAt)
    assert step.due_at >= own.due_at
    assert step.due_at >= NOON + min(asked, policy.longest_retry_after)
    assert step.due_at <= max(own.due_at, NOON + policy.longest_retry_after)


@pytest.mark.parametrize(
    ("scope", "longest"), [(Scope.SENDER, [1, 2, 4, 8, 16, 30]), (Scope.RECIPIENT, [1, 4, 16, 30])]
)
def test_throttled_sends_wait_longer_each_time_up_to_half_a_minute(
    scope: Scope, longest: list[int]
) -> None:
    dues = [
        after_throttle(RetryPolicy(), scope=scope, throttled=earlier, now=NOON, chance=0)
        for earlier in range(len(longest))
    ]

    assert dues == [NOON + timedelta(seconds=pause / 2) for pause in longest]


def test_a_throttled_send_waits_as_long_as_the_provider_asks() -> None:
    due = after_throttle(
        RetryPolicy(),
        scope=Scope.SENDER,
        throttled=0,
        now=NOON,
        chance=0,
        retry_after=timedelta(minutes=2),
    )

    assert due == NOON + timedelta(minutes=2)


@pytest.mark.parametrize(
    ("asked", "rest"),
    [
        (timedelta(seconds=60), timedelta(seconds=60)),
        (timedelta(hours=9), timedelta(hours=9)),
        (timedelta(days=400), timedelta(days=1)),
    ],
)
def test_a_sender_rests_as_long_as_the_provider_asks_and_a_day_at_most(
    asked: timedelta, rest: timedelta
) -> None:
    policy = RetryPolicy()
    due = after_throttle(
        policy, scope=Scope.SENDER, throttled=0, now=NOON, chance=0, retry_after=asked
    )

    assert rest_after(policy, scope=Scope.SENDER, now=NOON, retry_after=asked) == NOON + rest
    assert rest_after(policy, scope=Scope.RECIPIENT, now=NOON, retry_after=asked) is None
    assert due == NOON + rest
