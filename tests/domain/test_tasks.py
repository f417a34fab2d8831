"""Where a task stands decides what may be done to it; a content is known by its parts."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.misfires import Catching, Misfire
from domain.recurrence import Every
from domain.tasks import (
    Act,
    MiniProgram,
    Plan,
    PushContent,
    ScheduleType,
    TaskStatus,
    Timing,
    allows,
    changes_of,
    content_hash,
    described,
    needs_preview,
    next_at,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

a_text = st.none() | st.text(max_size=4)
a_card = st.none() | st.builds(MiniProgram, st.text(max_size=3), st.text(max_size=3))
a_content = st.builds(PushContent, text=a_text, image=a_text, link=a_text, miniprogram=a_card)
a_timing = st.builds(
    Timing,
    type=st.sampled_from(ScheduleType),
    time=st.sampled_from([NOON, NOON + timedelta(days=1)]),
    timezone=st.sampled_from(["UTC", "Asia/Shanghai"]),
    interval=st.none() | st.sampled_from(Every),
)
a_plan = st.builds(
    Plan,
    name=st.text(max_size=3),
    timing=a_timing,
    content=a_content,
    groups=st.lists(st.text(max_size=2), max_size=2).map(tuple),
    preview_recipients=st.lists(st.text(max_size=2), max_size=1).map(tuple),
    misfire=st.builds(Catching, st.sampled_from(Misfire), st.none() | st.just(timedelta(hours=1))),
    asks_feedback=st.booleans(),
)


def a_once(time: datetime) -> Plan:
    """Return the plan of a task that is sent once."""
    timing = Timing(type=ScheduleType.ONCE, time=time, timezone="UTC")
    return Plan(name="a", timing=timing, misfire=Catching(Misfire.ONCE))


@given(a_content, a_content)
def test_two_contents_have_one_hash_only_if_they_are_alike(
    one: PushContent, other: PushContent
) -> None:
    assert (content_hash(one) == content_hash(other)) == (one == other)


def test_the_hash_of_a_content_is_the_same_in_every_process() -> None:
    digest = content_hash(PushContent(text="Hi"))

    assert digest.hex()[:16] == "4058f5ad2507dcbf"


@given(st.sampled_from(TaskStatus), st.booleans())
def test_nothing_but_a_pause_is_done_to_a_running_task(status: TaskStatus, recurs: bool) -> None:  # noqa: FBT001 - drawn
    allowed = {act for act in Act if allows(status, act, recurs=recurs)}

    if status is TaskStatus.RUNNING:
        assert allowed == {Act.PAUSE}
    assert (Act.DELETE in allowed) == (status in {TaskStatus.DRAFT, TaskStatus.PAUSED})
    assert (Act.RESUME in allowed) == (status is TaskStatus.PAUSED)


def test_what_was_executed_is_edited_only_where_it_recurs() -> None:
    for status in (TaskStatus.COMPLETED, TaskStatus.FAILED):
        assert not allows(status, Act.EDIT, recurs=False)
        assert allows(status, Act.EDIT, recurs=True)


@given(a_plan, a_plan)
def test_a_log_shows_just_what_differs(before: Plan, after: Plan) -> None:
    changes = changes_of(before, after)

    was, becomes = described(before), described(after)
    assert {**was, **{field: to for field, (_, to) in changes.items()}} == becomes
    assert all(was[field] == earlier != to for field, (earlier, to) in changes.items())


@given(a_plan, a_plan)
def test_no_two_plans_that_differ_are_described_alike(before: Plan, after: Plan) -> None:
    changed = bool(changes_of(before, after))

    card = before.content.miniprogram, after.content.miniprogram
    assert changed == (before != after) or card[0] != card[1]


@given(a_plan, a_plan, st.sampled_from(TaskStatus), st.sampled_from(TaskStatus))
def test_no_content_is_scheduled_that_nobody_was_asked_about(
    before: Plan, after: Plan, was: TaskStatus, becomes: TaskStatus
) -> None:
    asked = needs_preview((before, was), after, becomes)

    if becomes is not TaskStatus.SCHEDULED or not after.preview_recipients:
        assert not asked
    elif was is not TaskStatus.SCHEDULED or before.content != after.content:
        assert asked


def test_only_what_is_scheduled_and_still_comes_fires_next() -> None:
    plan = a_once(NOON)

    assert next_at(plan, TaskStatus.SCHEDULED, now=NOON - timedelta(seconds=1)) == NOON
    assert next_at(plan, TaskStatus.SCHEDULED, now=NOON) is None
    assert next_at(plan, TaskStatus.PAUSED, now=NOON - timedelta(seconds=1)) is None
