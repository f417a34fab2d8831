from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.breaker import (
    Breaker,
    Outcomes,
    Verdict,
    Window,
    judge,
    learn,
    may_blame_sender,
    pause_of,
)
from domain.failures import ErrorCode

breakers = st.builds(Breaker, st.floats(0.01, 1), st.integers(1, 200))
outcomes = st.builds(Outcomes, st.integers(-500, 500), st.integers(-500, 500))


@given(breakers, outcomes)
def test_nothing_is_said_before_a_window_is_full(breaker: Breaker, window: Outcomes) -> None:
    verdict = judge(breaker, window)

    assert (verdict is Verdict.TOO_FEW) == (window.known < breaker.after)


@given(breakers, outcomes, st.integers(1, 100))
def test_more_failures_never_calm_a_breaker(breaker: Breaker, window: Outcomes, more: int) -> None:
    if judge(breaker, window) is Verdict.TRIPPED:
        assert judge(breaker, window + Outcomes(failed=more)) is Verdict.TRIPPED


@given(breakers, st.integers(1, 500))
def test_a_list_that_fails_whole_trips_and_one_that_arrives_whole_does_not(
    breaker: Breaker, number: int
) -> None:
    if number >= breaker.after:
        assert judge(breaker, Outcomes(failed=number)) is Verdict.TRIPPED
        assert judge(breaker, Outcomes(reached=number)) is Verdict.SOUND


@given(outcomes)
def test_a_breaker_that_is_off_never_trips(window: Outcomes) -> None:
    assert judge(Breaker(after=0), window) is Verdict.TOO_FEW


@pytest.mark.parametrize(
    ("reached", "failed", "verdict"),
    [
        (25, 24, Verdict.TOO_FEW),
        (26, 24, Verdict.SOUND),
        (25, 25, Verdict.TRIPPED),
        (0, 50, Verdict.TRIPPED),
        (-60, 60, Verdict.TRIPPED),
        (60, -10, Verdict.SOUND),
    ],
)
def test_half_of_fifty_are_enough(reached: int, failed: int, verdict: Verdict) -> None:
    assert judge(Breaker(share=0.5, after=50), Outcomes(reached, failed)) is verdict


@given(st.integers(0, 40), st.integers(150, 300))
def test_messages_that_fail_late_are_seen_at_their_share(lag: int, rounds: int) -> None:
    """Four of five accepted messages fail, each ``lag`` messages later."""
    breaker, window, verdicts = Breaker(share=0.75, after=50), Outcomes(), list[Verdict]()

    for number in range(rounds + lag):
        window += Outcomes(reached=1)
        if number >= lag and number % 5:
            window += Outcomes(reached=-1, failed=1)
        verdict = judge(breaker, window)
        verdicts.append(verdict)
        if verdict is not Verdict.TOO_FEW:
            window = Outcomes()

    assert Verdict.TRIPPED in verdicts


NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LASTS = timedelta(minutes=10)


@given(breakers, st.lists(outcomes, max_size=30), st.integers(0, 5))
def test_a_sender_is_judged_by_its_present_window_alone(
    breaker: Breaker, parts: list[Outcomes], trips: int
) -> None:
    window, sums = Window(NOON, trips=trips), Outcomes()

    for part in parts:
        judged = learn(breaker, LASTS, window, part, NOON)
        sums += part

        assert judged.outcomes == sums
        assert judged.verdict is judge(breaker, sums)
        if judged.verdict is not Verdict.TOO_FEW:
            sums = Outcomes()
        assert judged.next.outcomes == sums
        window = judged.next


@given(breakers, outcomes, outcomes, st.timedeltas(LASTS, timedelta(days=99)))
def test_failures_of_long_ago_say_nothing_of_a_sender(
    breaker: Breaker, old: Outcomes, new: Outcomes, later: timedelta
) -> None:
    judged = learn(breaker, LASTS, Window(NOON, old), new, NOON + later)

    assert judged.outcomes == new
    assert judged.verdict is judge(breaker, new)


@given(breakers, st.lists(outcomes, max_size=50))
def test_a_sender_that_trips_again_is_left_alone_for_longer_until_a_window_is_sound(
    breaker: Breaker, parts: list[Outcomes]
) -> None:
    window = Window(NOON)

    for part in parts:
        before, judged = window.trips, learn(breaker, LASTS, window, part, NOON)
        window = judged.next

        match judged.verdict:
            case Verdict.TRIPPED:
                assert window.trips == before + 1
                assert pause_of(before) <= pause_of(window.trips) <= pause_of(1_000)
            case Verdict.SOUND:
                assert window.trips == 0
            case Verdict.TOO_FEW:
                assert window.trips == before


@pytest.mark.parametrize("code", ErrorCode)
def test_a_recipients_failures_and_our_limits_blame_no_sender(code: ErrorCode) -> None:
    of_others = {"INVALID_RECIPIENT", "DAILY_LIMIT_EXCEEDED", "SEND_INTERVAL_LIMIT"}

    assert may_blame_sender(code) == (code not in of_others)
