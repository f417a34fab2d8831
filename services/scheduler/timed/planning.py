"""What a body means for a task's plan: what is given replaces, what is not stays (TP-05, TP-07)."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from domain.misfires import Catching
from domain.sending_hours import SendingHours
from domain.task_rules import Problem, Wrong
from domain.tasks import (
    MiniProgram,
    Overlap,
    Plan,
    PushContent,
    ScheduleType,
    Timing,
    usual_catching,
)
from runtime.errors import WrongFields
from schemas.http.tasks import (
    ContentBody,
    MisfireBody,
    ScheduleBody,
    SendingHoursBody,
    TaskBody,
    Weekday,
)

_WEEK: Final = tuple(Weekday)


def refuse(problems: Sequence[Problem], *, told: str = "Invalid input") -> None:
    """Raise `WrongFields` where there is a problem."""
    if problems:
        raise WrongFields(told, [(one.field, one.problem) for one in problems])


def first_plan(body: TaskBody, *, zone: str, now: datetime) -> tuple[Plan, list[Problem]]:
    """Return the plan of a new task, and what it lacks to be one; ``zone``: where none is named.

    What is lacking is filled in by something valid, so that the rest can be looked at.
    """
    given = body.schedule or ScheduleBody.model_validate({})
    missing = [
        Problem(field, Wrong.REQUIRED, "is required")
        for field, value in (
            ("name", body.name),
            ("schedule.type", given.type),
            ("schedule.time", given.time),
        )
        if value is None
    ]
    kind = given.type or ScheduleType.ONCE
    blank = Plan(
        name="-",
        timing=Timing(type=kind, time=given.time or now + timedelta(days=1), timezone=zone),
        misfire=usual_catching(kind),
    )
    plan, wrong = edited(blank, body)
    return plan, missing + wrong


def edited(plan: Plan, body: TaskBody) -> tuple[Plan, list[Problem]]:
    """Return the plan with what the body gives, and what of it is wrong on its own."""
    given = body.model_fields_set
    timing = plan.timing if body.schedule is None else timing_of(plan.timing, body.schedule)
    content = plan.content
    if "content" in given:
        content = _content(plan.content, body.content)
    hours, wrong = plan.sending_hours, list[Problem]()
    if "sending_hours" in given:
        hours, wrong = _hours(body.sending_hours)
    changed = Plan(
        name=plan.name if body.name is None else body.name,
        timing=timing,
        content=content,
        groups=_list(body, "groups", plan.groups),
        priority=body.priority or ("medium" if "priority" in given else plan.priority),
        preview_recipients=_list(body, "preview_recipients", plan.preview_recipients),
        misfire=_misfire(plan, timing, body.misfire, is_given="misfire" in given),
        overlap=body.overlap or (Overlap.SKIP if "overlap" in given else plan.overlap),
        sending_hours=hours,
        asks_feedback=bool(body.asks_feedback) if "asks_feedback" in given else plan.asks_feedback,
    )
    return changed, wrong


def timing_of(timing: Timing, body: ScheduleBody) -> Timing:
    """Return the timing with what the body gives; what happens once neither recurs nor ends."""
    given = body.model_fields_set
    kind = body.type or timing.type
    stays = kind is timing.type
    interval = timing.interval if stays and "recurring_interval" not in given else None
    end = timing.end if stays and "recurring_end" not in given else None
    return Timing(
        type=kind,
        time=_utc(body.time or timing.time),
        timezone=body.timezone or timing.timezone,
        interval=body.recurring_interval or interval,
        end=end if body.recurring_end is None else _utc(body.recurring_end),
    )


def _content(content: PushContent, body: ContentBody | None) -> PushContent:
    if body is None:
        return PushContent()
    given, card = body.model_fields_set, content.miniprogram
    if "miniprogram" in given:
        said = body.miniprogram
        card = None if said is None else MiniProgram(said.appid, said.page_path)
    return PushContent(
        text=(body.text or None) if "text" in given else content.text,
        image=(body.image or None) if "image" in given else content.image,
        link=(body.link or None) if "link" in given else content.link,
        miniprogram=card,
    )


def _list(body: TaskBody, field: str, before: tuple[str, ...]) -> tuple[str, ...]:
    if field not in body.model_fields_set:
        return before
    given: tuple[str, ...] | None = getattr(body, field)
    return given or ()


def _misfire(plan: Plan, timing: Timing, body: MisfireBody | None, *, is_given: bool) -> Catching:
    if body is not None:
        return Catching(body.policy, body.within)
    # What nobody chose follows the type.
    if is_given or plan.misfire == usual_catching(plan.timing.type):
        return usual_catching(timing.type)
    return plan.misfire


def _hours(body: SendingHoursBody | None) -> tuple[SendingHours | None, list[Problem]]:
    if body is None:
        return None, []
    wrong: list[Problem] = []
    for field, clock in (("begins", body.begins), ("ends", body.ends)):
        if clock.tzinfo is not None or clock.second or clock.microsecond:
            problem = "must be hours and minutes, on the clock of the schedule's zone"
            wrong.append(Problem(f"sendingHours.{field}", Wrong.MALFORMED, problem))
    if body.begins == body.ends:
        problem = "must not be when it begins"
        wrong.append(Problem("sendingHours.ends", Wrong.MALFORMED, problem))
    if wrong:
        return None, wrong
    days = frozenset(_WEEK.index(day) for day in body.days)
    return SendingHours(body.begins, body.ends, days), []


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
