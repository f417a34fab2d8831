"""Each rule of a plan is told by its field, all of them at once, and no other."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.misfires import Catching, Misfire
from domain.recurrence import Every
from domain.task_rules import (
    Wrong,
    content_problems,
    exhausted,
    is_url,
    problems_of,
    timing_problems,
    untimely,
)
from domain.tasks import MiniProgram, Plan, PushContent, ScheduleType, Timing

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

GOOD = Plan(
    name="Monday",
    timing=Timing(
        type=ScheduleType.RECURRING, time=NOON, timezone="Asia/Shanghai", interval=Every.WEEKLY
    ),
    content=PushContent(text="Hi", miniprogram=MiniProgram("wx1", "pages/a")),
    groups=("g-1",),
    misfire=Catching(Misfire.ONCE),
)

Spoil = Callable[[Plan], Plan]


def timed(plan: Plan, **changes: object) -> Plan:
    """Return the plan with another timing."""
    return replace(plan, timing=replace(plan.timing, **changes))  # pyright: ignore[reportArgumentType] - any field


def saying(plan: Plan, **changes: object) -> Plan:
    """Return the plan with another content."""
    return replace(plan, content=replace(plan.content, **changes))  # pyright: ignore[reportArgumentType] - any field


SPOILT: dict[str, Spoil] = {
    "name": lambda plan: replace(plan, name="n" * 51),
    "schedule.timezone": lambda plan: timed(plan, timezone="../etc/passwd"),
    "schedule.time": lambda plan: timed(plan, time=NOON.replace(microsecond=1)),
    "schedule.recurringInterval": lambda plan: timed(plan, interval=None),
    "schedule.recurringEnd": lambda plan: timed(plan, end=NOON - timedelta(days=1)),
    "content.text": lambda plan: saying(plan, text="🙂" * 501),
    "content.image": lambda plan: saying(plan, image="i" * 256),
    "content.link": lambda plan: saying(plan, link="ftp://example.com"),
    "content.miniprogram.pagePath": lambda plan: saying(plan, miniprogram=MiniProgram("wx1", " ")),
    "groups": lambda plan: replace(plan, groups=tuple(map(str, range(101)))),
    "previewRecipients[0]": lambda plan: replace(plan, preview_recipients=("p" * 101,)),
    "misfire.within": lambda plan: replace(plan, misfire=Catching(Misfire.ALL, timedelta(0))),
}


@given(st.sets(st.sampled_from(sorted(SPOILT))))
def test_what_is_wrong_is_told_at_once_and_nothing_else(fields: set[str]) -> None:
    plan = GOOD
    for field in sorted(fields):
        plan = SPOILT[field](plan)

    told = problems_of(plan, is_complete=True)

    assert {problem.field for problem in told} == fields


def test_what_just_fits_is_good() -> None:
    plan = replace(
        saying(GOOD, text="🙂" * 500, image="i" * 255),
        name="课" * 50,
        groups=tuple(f"g-{number}" for number in range(100)),
    )

    assert problems_of(plan, is_complete=True) == []


def test_a_draft_may_lack_what_is_sent_and_to_whom() -> None:
    plan = replace(GOOD, content=PushContent(), groups=())

    assert problems_of(plan, is_complete=False) == []
    missing = problems_of(plan, is_complete=True)
    assert [(one.field, one.wrong) for one in missing] == [
        ("content", Wrong.REQUIRED),
        ("groups", Wrong.REQUIRED),
    ]


def test_what_is_sent_once_has_no_interval_and_no_end() -> None:
    timing = replace(GOOD.timing, type=ScheduleType.ONCE, end=NOON + timedelta(days=1))

    assert [problem.field for problem in timing_problems(timing)] == [
        "schedule.recurringInterval",
        "schedule.recurringEnd",
    ]


@given(st.integers(-(10**6), 10**6))
def test_a_time_that_is_chosen_lies_in_the_future(seconds: int) -> None:
    now = NOON - timedelta(seconds=seconds)

    assert (untimely(GOOD.timing, now=now) == []) == (seconds > 0)


def test_a_recurrence_that_began_goes_on_until_its_end() -> None:
    ends = replace(GOOD.timing, end=NOON + timedelta(weeks=2))

    assert exhausted(ends, now=NOON + timedelta(days=8)) == []
    assert [one.field for one in exhausted(ends, now=NOON + timedelta(weeks=2))] == [
        "schedule.recurringEnd"
    ]


@pytest.mark.parametrize(
    "link",
    [
        "example.com",
        "//example.com",
        "javascript:alert(1)",
        "https://",
        "https://exa mple.com",
        "https://example.com:99999",
        "https://[::1",
        "http://example.com/\x00",
        "",
    ],
)
def test_what_is_no_address_on_the_web_is_no_link(link: str) -> None:
    assert not is_url(link)
    assert "content.link" in {one.field for one in content_problems(PushContent(link=link))}


@pytest.mark.parametrize(
    "link",
    ["weixin://dl/business/?t=aB3", "weixin://dl/business/?appid=wx1&path=p", "#小程序://课程/aB3"],
)
def test_a_link_to_a_miniprogram_is_a_link(link: str) -> None:
    assert not content_problems(PushContent(link=link))


@pytest.mark.parametrize(
    "link", ["weixin://", "weixin://scanqrcode", "#小程序://", "#小程序://a b", "#小程序"]
)
def test_what_only_looks_like_one_is_none(link: str) -> None:
    assert [one.field for one in content_problems(PushContent(link=link))] == ["content.link"]


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_not(link: str) -> None:
    assert is_url(link) in {True, False}
