"""A timed push task as people are shown it, in answers and in files (TP-06, TP-13)."""

from typing import Final

from domain.sending_hours import SendingHours
from domain.tasks import Plan
from runtime.csv_stream import Cell
from schemas.http.tasks import (
    ContentShown,
    LogShown,
    MiniProgramShown,
    MisfireShown,
    ScheduleShown,
    SendingHoursShown,
    TaskShown,
    Weekday,
)
from services.scheduler.store.task_logs import LogEntry
from services.scheduler.store.tasks import Task

FILE_COLUMNS: Final = (
    "taskId",
    "name",
    "status",
    "scheduleType",
    "time",
    "timezone",
    "recurringInterval",
    "recurringEnd",
    "nextAt",
    "text",
    "image",
    "link",
    "miniprogramAppid",
    "miniprogramPagePath",
    "groups",
    "priority",
    "creatorId",
    "previewRecipients",
    "lastError",
    "createdAt",
    "updatedAt",
)

_BETWEEN: Final = " "
"""Between the groups of a cell: no id has one, and no spreadsheet takes it for a number."""
_WEEK: Final = tuple(Weekday)


def shown(task: Task) -> TaskShown:
    """Return the task as answers have it."""
    plan = task.plan
    hours = plan.sending_hours
    return TaskShown(
        task_id=task.task_id,
        name=plan.name,
        schedule=_schedule(plan),
        content=_content(plan),
        groups=list(plan.groups),
        priority=plan.priority,
        status=task.status,
        creator_id=task.creator_id,
        preview_recipients=list(plan.preview_recipients),
        created_at=task.created_at,
        updated_at=task.updated_at,
        misfire=MisfireShown(policy=plan.misfire.policy, within=plan.misfire.within),
        overlap=plan.overlap,
        sending_hours=None if hours is None else _hours(hours),
        asks_feedback=plan.asks_feedback,
        version=task.version,
        next_at=task.next_at,
        resume_at=task.resume_at,
        last_error=task.last_error,
    )


def log_shown(entry: LogEntry) -> LogShown:
    """Return a line of a log."""
    return LogShown(
        log_id=entry.log_id,
        task_id=entry.task_id,
        action=entry.action,
        user_id=entry.user_id,
        timestamp=entry.timestamp,
        changes=dict(entry.changes),
    )


def cells(task: Task) -> list[Cell]:
    """Return the task as a line of the file."""
    plan, timing, content = task.plan, task.plan.timing, task.plan.content
    card = content.miniprogram
    return [
        task.task_id,
        plan.name,
        task.status,
        timing.type,
        timing.time,
        timing.timezone,
        timing.interval,
        timing.end,
        task.next_at,
        content.text,
        content.image,
        content.link,
        None if card is None else card.appid,
        None if card is None else card.page_path,
        _BETWEEN.join(plan.groups),
        plan.priority,
        task.creator_id,
        _BETWEEN.join(plan.preview_recipients),
        task.last_error,
        task.created_at,
        task.updated_at,
    ]


def _schedule(plan: Plan) -> ScheduleShown:
    timing = plan.timing
    return ScheduleShown(
        type=timing.type,
        time=timing.time,
        timezone=timing.timezone,
        recurring_interval=timing.interval,
        recurring_end=timing.end,
    )


def _content(plan: Plan) -> ContentShown:
    content, card = plan.content, plan.content.miniprogram
    return ContentShown(
        text=content.text,
        image=content.image,
        link=content.link,
        miniprogram=None
        if card is None
        else MiniProgramShown(appid=card.appid, page_path=card.page_path),
    )


def _hours(hours: SendingHours) -> SendingHoursShown:
    return SendingHoursShown(
        begins=f"{hours.begins:%H:%M}",
        ends=f"{hours.ends:%H:%M}",
        days=[_WEEK[day] for day in sorted(hours.days)],
    )
