"""A timed push task as its row holds it, and how the one is made of the other (TP-18)."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, Final

import sqlalchemy as sa

from domain.misfires import Catching, Misfire
from domain.recurrence import Every
from domain.sending_hours import SendingHours
from domain.tasks import (
    Overlap,
    Plan,
    PushContent,
    ScheduleType,
    TaskStatus,
    Timing,
    content_hash,
)
from runtime.vault import Vault
from services.scheduler.store.contents import (
    CLEAR_OF_TASK,
    IN_THE_CLEAR,
    PUSHED,
    content_of,
    picture_of,
    plain_of,
    read,
    seal,
)

COLUMNS: Final = (
    "task_id, tenant_id, creator_id, status, version, next_at, resume_at, last_error, created_at,"
    " updated_at, name, schedule_type, schedule_time, timezone, recurring_interval, recurring_end,"
    " groups, priority, preview_recipients, misfire, misfire_within, overlap, sending_hours,"
    " asks_feedback"
)
"""What `task_of` reads."""
_UNREAD: Final = PushContent()
WITH_CONTENT: Final = f"{COLUMNS}, {CLEAR_OF_TASK} AS content, sealed"
"""What `tasks_of` reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A task, and where it stands."""

    task_id: str
    tenant_id: str | None
    creator_id: str
    status: TaskStatus
    version: int
    plan: Plan
    next_at: datetime | None
    """When it fires next; None: it does not by itself."""
    resume_at: datetime | None
    """When it goes on by itself; only while it is paused (CF-24)."""
    last_error: str | None
    created_at: datetime
    updated_at: datetime


def tasks_of(
    connection: sa.Connection, vault: Vault, rows: Iterable[Mapping[str, Any]]
) -> list[Task]:
    """Return the tasks of rows."""
    found = list(rows)
    said = read(connection, vault, ((r["content"], r["sealed"]) for r in found), place=PUSHED)
    return [task_of(row, content_of(one)) for row, one in zip(found, said, strict=True)]


def task_of(row: Mapping[str, Any], content: PushContent = _UNREAD) -> Task:
    """Return the task of a row; without its content for who only moves it: that stays sealed."""
    return Task(
        task_id=row["task_id"],
        tenant_id=row["tenant_id"],
        creator_id=row["creator_id"],
        status=TaskStatus(row["status"]),
        version=row["version"],
        plan=_plan(row, content),
        next_at=row["next_at"],
        resume_at=row["resume_at"],
        last_error=row["last_error"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def columns_of(
    connection: sa.Connection, vault: Vault, plan: Plan, tenant_id: str | None
) -> dict[str, Any]:
    """Return the values of the columns that a tenant's plan is."""
    timing, content, hours = plan.timing, plan.content, plan.sending_hours
    [sealed] = seal(connection, vault, [(tenant_id, plain_of(content))], place=PUSHED)
    return {
        "name": plan.name,
        "schedule_type": timing.type,
        "schedule_time": timing.time,
        "timezone": timing.timezone,
        "recurring_interval": timing.interval,
        "recurring_end": timing.end,
        "sealed": sealed,
        "picture": picture_of(content),
        **dict.fromkeys(IN_THE_CLEAR),
        "groups": json.dumps(plan.groups),
        "priority": plan.priority,
        "preview_recipients": json.dumps(plan.preview_recipients),
        "misfire": plan.misfire.policy,
        "misfire_within": plan.misfire.within,
        "overlap": plan.overlap,
        "sending_hours": None if hours is None else json.dumps(_hours(hours)),
        "asks_feedback": plan.asks_feedback,
        "content_hash": content_hash(content),
    }


def _plan(row: Mapping[str, Any], content: PushContent) -> Plan:
    interval, hours = row["recurring_interval"], row["sending_hours"]
    return Plan(
        name=row["name"],
        timing=Timing(
            type=ScheduleType(row["schedule_type"]),
            time=row["schedule_time"],
            timezone=row["timezone"],
            interval=None if interval is None else Every(interval),
            end=row["recurring_end"],
        ),
        content=content,
        groups=tuple(row["groups"]),
        priority=row["priority"],
        preview_recipients=tuple(row["preview_recipients"]),
        misfire=Catching(Misfire(row["misfire"]), row["misfire_within"]),
        overlap=Overlap(row["overlap"]),
        sending_hours=None if hours is None else _sending_hours(hours),
        asks_feedback=row["asks_feedback"],
    )


def _hours(hours: SendingHours) -> dict[str, Any]:
    return {
        "begins": hours.begins.isoformat(),
        "ends": hours.ends.isoformat(),
        "days": sorted(hours.days),
    }


def _sending_hours(stored: Mapping[str, Any]) -> SendingHours:
    return SendingHours(
        time.fromisoformat(stored["begins"]),
        time.fromisoformat(stored["ends"]),
        frozenset(stored["days"]),
    )
