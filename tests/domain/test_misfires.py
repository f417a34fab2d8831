"""Of late occurrences each is fired or missed, as the policy says."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.misfires import ON_TIME, ONE_OFF, Catching, Misfire, sorted_out

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)

lateness = st.timedeltas(timedelta(0), timedelta(days=30))
some_due = st.lists(lateness, unique=True).map(lambda late: sorted(NOW - one for one in late))
a_policy = st.builds(Catching, st.sampled_from(Misfire), st.none() | lateness)


@given(some_due, a_policy)
def test_each_is_fired_or_missed_and_in_order(due: list[datetime], catching: Catching) -> None:
    sorted_ = sorted_out(due, NOW, catching)

    assert sorted([*sorted_.fired, *sorted_.missed]) == due
    assert list(sorted_.fired) == sorted(sorted_.fired)


@given(some_due, a_policy)
def test_none_is_fired_that_is_too_late(due: list[datetime], catching: Catching) -> None:
    for one in sorted_out(due, NOW, catching).fired:
        late = NOW - one
        assert late <= ON_TIME or catching.within is None or late <= catching.within


@given(some_due, st.none() | lateness)
def test_once_is_at_most_one_and_the_last(due: list[datetime], within: timedelta | None) -> None:
    fired = sorted_out(due, NOW, Catching(Misfire.ONCE, within)).fired

    assert list(fired) in ([], due[-1:])


@given(some_due)
def test_skipping_leaves_what_is_on_time(due: list[datetime]) -> None:
    fired = sorted_out(due, NOW, Catching(Misfire.SKIP)).fired

    assert list(fired) == [one for one in due if NOW - one <= ON_TIME]


def test_all_within_an_hour_are_those_within_an_hour() -> None:
    due = [NOW - timedelta(minutes=minutes) for minutes in (61, 60, 30, 0)]

    assert list(sorted_out(due, NOW, Catching(Misfire.ALL, timedelta(hours=1))).fired) == due[1:]


def test_a_one_off_of_a_quarter_of_an_hour_ago_is_still_fired() -> None:
    quarter, more = NOW - timedelta(minutes=15), NOW - timedelta(minutes=15, seconds=1)

    assert list(sorted_out([quarter], NOW, ONE_OFF).fired) == [quarter]
    assert list(sorted_out([more], NOW, ONE_OFF).missed) == [more]
