from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.fetcher.verdicts import (
    Doubted,
    Failure,
    FetchPolicy,
    Lose,
    Passing,
    Refused,
    TryAgain,
    after_failure,
)
from tests.given import NOON

POLICY = FetchPolicy()
REFUSED = Refused("too_large", "more than 5 bytes")
AWAY = Passing("HTTP 503")

failures = st.sampled_from([REFUSED, Doubted("not_found"), Doubted("not_authentic"), AWAY])
ages = st.timedeltas(timedelta(), timedelta(days=3))
chances = st.floats(0, 1, exclude_max=True)


def verdict(
    failure: Failure, *, attempt: int = 1, age: timedelta = timedelta(), chance: float = 0.5
) -> TryAgain | Lose:
    return after_failure(
        POLICY, failure, attempt=attempt, asked_at=NOON, now=NOON + age, chance=chance
    )


def test_what_is_refused_for_what_it_is_is_not_asked_for_again() -> None:
    assert verdict(REFUSED) == Lose("too_large", "more than 5 bytes")


@pytest.mark.parametrize("reason", ["not_found", "not_authentic"])
def test_what_may_be_a_lapse_is_believed_the_third_time(reason: str) -> None:
    failure = Doubted(reason)  # type: ignore[arg-type]

    outcomes = [verdict(failure, attempt=attempt) for attempt in (1, 2, 3)]

    assert [type(outcome) for outcome in outcomes] == [TryAgain, TryAgain, Lose]
    assert outcomes[2] == Lose(reason)  # type: ignore[arg-type]


def test_the_provider_says_when_it_may_be_asked_again() -> None:
    outcome = verdict(Passing("HTTP 429", retry_after=timedelta(minutes=7)))

    assert outcome == TryAgain(NOON + timedelta(minutes=7), "HTTP 429")


def test_pauses_grow_to_a_quarter_of_an_hour() -> None:
    pauses: list[float] = []
    for attempt in (1, 2, 3, 8, 9, 90):
        outcome = verdict(AWAY, attempt=attempt, chance=0.9999999)
        assert isinstance(outcome, TryAgain)
        pauses.append(round((outcome.due_at - NOON).total_seconds()))

    assert pauses == [4, 8, 16, 512, 900, 900]


@given(failures, st.integers(1, 1_000), ages, chances)
def test_nothing_is_asked_for_beyond_a_day_and_every_loss_has_a_reason(
    failure: Failure, attempt: int, age: timedelta, chance: float
) -> None:
    outcome = verdict(failure, attempt=attempt, age=age, chance=chance)

    match outcome:
        case TryAgain(due_at, why):
            assert NOON + age < due_at <= NOON + POLICY.give_up_after
            assert why
        case Lose(reason, _):
            assert reason in {"too_large", "not_found", "not_authentic", "gave_up"}
            assert reason != "gave_up" or age > POLICY.give_up_after - timedelta(minutes=15)
