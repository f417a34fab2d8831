"""Each occurrence that is due has one fate, and a task that ran stands where it must."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.misfires import Catching, Misfire
from domain.pushes import (
    SERVED,
    Counts,
    Fate,
    Fated,
    Policies,
    after_claim,
    after_push,
    due_until,
    fate_of_held,
    fates,
)
from domain.recurrence import Every, Schedule
from domain.sending_hours import SendingHours, opens_at
from domain.tasks import Overlap, TaskStatus

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Berlin")
NIGHT = SendingHours(time(22), time(6))

lateness = st.timedeltas(timedelta(0), timedelta(days=30))
some_due = st.lists(lateness, unique=True).map(lambda late: sorted(NOW - one for one in late))
policies = st.builds(
    Policies,
    catching=st.builds(Catching, st.sampled_from(Misfire), st.none() | lateness),
    overlap=st.sampled_from(Overlap),
    hours=st.none() | st.just(NIGHT),
    zone=st.just(ZONE),
)
SENT, FAILED, STOPPED = Counts(0, 1, 1, 0), Counts(0, 0, 2, 0), Counts(0, 1, 0, 1)


@given(due=some_due, said=policies, is_busy=st.booleans())
def test_each_occurrence_has_one_fate(
    *, due: list[datetime], said: Policies, is_busy: bool
) -> None:
    fated = fates(due, said, now=NOW, is_busy=is_busy)

    assert [one.occurrence for one in fated] == due
    assert all((one.reason is not None) == (one.fate is Fate.SKIPPED) for one in fated)


@given(due=some_due, said=policies, is_busy=st.booleans())
def test_two_are_under_way_at_once_only_where_the_task_says_so(
    *, due: list[datetime], said: Policies, is_busy: bool
) -> None:
    fated = fates(due, said, now=NOW, is_busy=is_busy)

    begun = [one for one in fated if one.fate is Fate.RUNNING]
    assert said.overlap is Overlap.ALLOW or len(begun) + is_busy <= 1


@given(some_due, policies)
def test_nothing_begins_outside_of_the_hours(due: list[datetime], said: Policies) -> None:
    for one in fates(due, said, now=NOW, is_busy=False):
        if said.hours is None or one.fate is Fate.SKIPPED:
            continue
        assert one.fate is Fate.HELD
        assert one.due_at == opens_at(NOW, NIGHT, ZONE)


@given(late=lateness, said=policies)
def test_what_was_held_is_judged_anew_when_its_turn_comes(late: timedelta, said: Policies) -> None:
    now_due = fate_of_held(NOW, NOW - late, said, now=NOW)

    [fresh] = fates([NOW - late], said, now=NOW, is_busy=False)
    assert (now_due.fate, now_due.reason) == (fresh.fate, fresh.reason)
    if now_due.fate is Fate.HELD:
        assert now_due.due_at == fresh.due_at > NOW


def test_what_is_due_ends_with_now() -> None:
    hourly = Schedule(NOW - timedelta(days=2), ZONE, Every.DAILY)

    assert due_until(hourly, hourly.first, NOW) == [NOW - timedelta(days=n) for n in (2, 1, 0)]


def fated(fate: Fate, reason: str | None = None) -> list[Fated]:
    return [Fated(NOW, fate, NOW, reason)]


@pytest.mark.parametrize(
    ("status", "told", "recurs", "goes_on", "expected"),
    [
        ("scheduled", fated(Fate.RUNNING), False, False, ("running", None)),
        ("scheduled", fated(Fate.HELD), False, False, ("scheduled", None)),
        ("scheduled", fated(Fate.SKIPPED, "late"), False, False, ("failed", "late")),
        ("scheduled", fated(Fate.SKIPPED, "late"), True, True, ("scheduled", None)),
        ("scheduled", fated(Fate.SKIPPED, "late"), True, False, ("completed", None)),
        ("scheduled", [], False, False, ("failed", SERVED)),
        ("scheduled", [], True, False, ("completed", None)),
        ("running", fated(Fate.SKIPPED, "late"), True, False, ("running", None)),
    ],
)
def test_a_task_whose_occurrences_have_their_fates(
    *,
    status: str,
    told: list[Fated],
    recurs: bool,
    goes_on: bool,
    expected: tuple[str, str | None],
) -> None:
    assert after_claim(TaskStatus(status), told, recurs=recurs, goes_on=goes_on) == expected


@pytest.mark.parametrize(
    ("status", "counts", "recurs", "goes_on", "is_busy", "returns_to", "expected"),
    [
        ("running", SENT, False, False, False, None, "completed"),
        ("running", FAILED, False, False, False, None, "failed"),
        ("running", FAILED, True, True, False, None, "scheduled"),
        ("running", FAILED, True, False, False, None, "completed"),
        ("running", SENT, True, True, True, None, "running"),
        ("running", SENT, False, False, False, TaskStatus.DRAFT, "draft"),
        ("running", FAILED, False, True, False, TaskStatus.SCHEDULED, "scheduled"),
        ("paused", STOPPED, False, False, False, None, "paused"),
        ("paused", SENT, False, False, False, None, "completed"),
        ("paused", SENT, True, False, False, None, "paused"),
    ],
)
def test_a_task_whose_push_has_ended(  # noqa: PLR0913 - a row of the table
    *,
    status: str,
    counts: Counts,
    recurs: bool,
    goes_on: bool,
    is_busy: bool,
    returns_to: TaskStatus | None,
    expected: str,
) -> None:
    stands = after_push(
        TaskStatus(status),
        counts,
        recurs=recurs,
        goes_on=goes_on,
        is_busy=is_busy,
        returns_to=returns_to,
    )

    assert stands == expected


def test_what_somebody_stopped_before_anything_was_sent_is_no_failure() -> None:
    assert Counts(0, 0, 0, 2).was_stopped
    assert not any(one.was_stopped for one in (SENT, FAILED, STOPPED, Counts(0, 0, 1, 1)))


def test_a_push_counts_all_of_its_groups() -> None:
    assert Counts(1, 2, 3, 4).all == 10
