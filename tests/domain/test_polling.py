from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain import polling
from domain.failures import ErrorCode, Failure, Origin
from domain.lifecycle import FailedAt
from domain.polling import Tally, counted, in_common, is_over, next_find, next_results, soon
from tests.domain.facts import NOON, at, failures, moments

DAY = timedelta(hours=24)

elapsed = st.timedeltas(timedelta(), timedelta(hours=30))
limits = st.timedeltas(timedelta(seconds=1), timedelta(hours=48))
failed = st.builds(FailedAt, moments, failures)


def asked_at(within: timedelta) -> list[timedelta]:
    """Return how long after the acceptance each question comes, when each is asked on time."""
    steps: list[timedelta] = []
    now = NOON
    while now < NOON + within:
        now = next_results(NOON, now=now, within=within)
        steps.append(now - NOON)
    return steps


def test_results_are_asked_for_often_at_first_and_each_half_hour_until_the_limit() -> None:
    steps = [step.total_seconds() / 60 for step in asked_at(DAY)]

    assert steps[:7] == [1, 2, 5, 10, 30, 60, 90]
    assert steps[-2:] == [23 * 60 + 30, 24 * 60]
    assert len(steps) == 5 + 47


def test_the_last_question_is_at_the_limit_wherever_that_is() -> None:
    assert asked_at(timedelta(seconds=90)) == [timedelta(seconds=60), timedelta(seconds=90)]
    assert asked_at(timedelta(seconds=5)) == [timedelta(seconds=5)]


@given(elapsed, limits)
def test_the_next_question_is_ahead_and_never_past_the_limit(
    passed: timedelta, within: timedelta
) -> None:
    step = next_results(NOON, now=NOON + passed, within=within) - NOON

    assert step == within if passed >= within else passed < step <= within


@given(elapsed, elapsed, limits)
def test_who_comes_late_asks_no_earlier(
    one: timedelta, other: timedelta, within: timedelta
) -> None:
    early, late = sorted((one, other))

    assert next_results(NOON, now=NOON + early, within=within) <= next_results(
        NOON, now=NOON + late, within=within
    )


def test_a_doubt_is_looked_up_at_growing_pauses() -> None:
    now, steps = NOON, list[float]()
    for _ in range(6):
        now = next_find(NOON, now=now)
        steps.append((now - NOON).total_seconds())

    assert steps == [10, 30, 60, 120, 240, 360]


@given(elapsed)
def test_the_next_look_at_a_doubt_is_ahead_and_within_two_minutes(passed: timedelta) -> None:
    ahead = next_find(NOON, now=NOON + passed) - NOON - passed

    assert timedelta() < ahead <= polling.FINDS_EACH


@given(st.integers(1, 10_000))
def test_a_provider_that_cannot_tell_is_asked_again_soon_at_pauses_that_grow(delays: int) -> None:
    assert polling.SOON <= soon(delays) <= soon(delays + 1) <= polling.LATEST_SOON


@given(elapsed, limits)
def test_waiting_is_over_at_the_limit_or_later_where_the_provider_cannot_tell(
    passed: timedelta, within: timedelta
) -> None:
    now = NOON + passed

    told = is_over(NOON, now=now, within=within, told=True)
    untold = is_over(NOON, now=now, within=within, told=False)

    assert told == (passed >= within)
    assert untold == (passed >= within + polling.LAST_CHANCE)


@given(st.lists(moments), st.lists(failed))
def test_a_message_failed_only_when_none_of_its_recipients_got_it(
    sent: list[datetime], failures: list[FailedAt]
) -> None:
    tally = counted(Tally(), sent, failures)

    assert tally.sent_at == min(sent, default=None)
    assert (tally.verdict is not None) == (not sent and bool(failures))


@given(st.lists(moments), st.lists(failed), st.integers(0, 9), st.integers(0, 9))
def test_results_may_come_in_any_number_of_rounds(
    sent: list[datetime], failures: list[FailedAt], first: int, second: int
) -> None:
    rounds = counted(counted(Tally(), sent[:first], failures[:second]), sent[first:], [])
    rounds = counted(rounds, [], failures[second:])

    assert rounds == counted(Tally(), sent, failures)


@given(st.lists(failed, min_size=1), st.data())
def test_what_failures_have_in_common_does_not_depend_on_their_order(
    failures: list[FailedAt], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(failures))

    assert counted(Tally(), [], failures) == counted(Tally(), [], shuffled)


def test_recipients_who_failed_alike_give_the_message_their_code() -> None:
    no_friend = Failure(ErrorCode.INVALID_RECIPIENT, Origin.PROVIDER, "2", "no friend")
    quota = Failure(ErrorCode.DAILY_LIMIT_EXCEEDED, Origin.PROVIDER, "3", "quota used up")
    unconfirmed = Failure(ErrorCode.INVALID_RECIPIENT, Origin.LOCAL, None, "not confirmed")

    assert in_common(no_friend, no_friend) == no_friend
    assert in_common(no_friend, quota) == Failure(ErrorCode.UNKNOWN_ERROR, Origin.PROVIDER)
    assert in_common(no_friend, unconfirmed) == Failure(ErrorCode.INVALID_RECIPIENT, Origin.LOCAL)


def test_the_message_failed_when_the_last_of_its_recipients_did() -> None:
    failure = Failure(ErrorCode.INVALID_RECIPIENT, Origin.PROVIDER)

    tally = counted(Tally(), [], [FailedAt(at(3), failure), FailedAt(at(1), failure)])

    assert tally.verdict == FailedAt(at(3), failure)
