"""What a timed push task is, where it may stand, and what may be done to it there.

TP-01…TP-08, CF-24, CF-25, CF-30, CF-53, IM-18, IM-56. Whether what somebody planned can be is
said in `domain/task_rules.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import blake2b
from typing import Final
from zoneinfo import ZoneInfo

from domain.misfires import ONE_OFF, RECURRING, Catching
from domain.pacing import Priority
from domain.recurrence import Every, Schedule, next_occurrence
from domain.sending_hours import SendingHours

LogValue = str | bool | list[str] | None
"""What a log shows of a field."""


class TaskStatus(StrEnum):
    """The states of a timed push task (TP-03)."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    PAUSED = "paused"


class ScheduleType(StrEnum):
    """Whether it happens again (TP-05)."""

    ONCE = "once"
    RECURRING = "recurring"


class Overlap(StrEnum):
    """What is done where an occurrence comes while the push before it is under way (IM-56)."""

    SKIP = "skip"
    """It is left out, and noted (IM-18)."""
    WAIT = "wait"
    """It begins once the other has ended."""
    ALLOW = "allow"
    """Both are under way at once."""


class Act(StrEnum):
    """What people do to a task; the word stands in the refusal."""

    EDIT = "edited"
    DELETE = "deleted"
    PAUSE = "paused"
    RESUME = "resumed"
    PUSH = "pushed"
    """By hand (TP-15)."""


_WHERE: Final[Mapping[Act, frozenset[TaskStatus]]] = {
    Act.EDIT: frozenset({TaskStatus.DRAFT, TaskStatus.SCHEDULED, TaskStatus.PAUSED}),
    Act.DELETE: frozenset({TaskStatus.DRAFT, TaskStatus.PAUSED}),
    Act.PAUSE: frozenset({TaskStatus.SCHEDULED, TaskStatus.RUNNING}),
    Act.RESUME: frozenset({TaskStatus.PAUSED}),
    Act.PUSH: frozenset(TaskStatus) - {TaskStatus.RUNNING},
}


@dataclass(frozen=True, slots=True)
class MiniProgram:
    """A card that opens a page of a mini-program."""

    appid: str
    page_path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PushContent:
    """What a push says: any of the four, together (TP-02)."""

    text: str | None = None
    image: str | None = None
    """A file in the media store, or where it lies."""
    link: str | None = None
    miniprogram: MiniProgram | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to send."""
        return self == PushContent()


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """When it is sent, in the words of who planned it; nothing of it is checked yet."""

    type: ScheduleType
    time: datetime
    timezone: str
    """An IANA name: a recurrence keeps its wall time there (CF-29)."""
    interval: Every | None = None
    end: datetime | None = None
    """The last instant that counts; None: for ever (CF-30)."""

    @property
    def recurs(self) -> bool:
        """Whether it may come again."""
        return self.type is ScheduleType.RECURRING

    @property
    def schedule(self) -> Schedule:
        """The rule of its occurrences. Only where nothing is wrong with it."""
        every = self.interval if self.recurs else None
        return Schedule(self.time, ZoneInfo(self.timezone), every, self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that people say of a task."""

    name: str
    timing: Timing
    content: PushContent = PushContent()
    groups: tuple[str, ...] = ()
    priority: Priority = "medium"
    preview_recipients: tuple[str, ...] = ()
    misfire: Catching
    overlap: Overlap = Overlap.SKIP
    sending_hours: SendingHours | None = None
    """On the clock of the timing's zone; None: at any hour."""
    asks_feedback: bool = False
    """Whether a link to a form for opinions goes with it (NF-04)."""


def usual_catching(kind: ScheduleType) -> Catching:
    """Return what is done about late occurrences where nothing is said of it (IM-16)."""
    return RECURRING if kind is ScheduleType.RECURRING else ONE_OFF


def allows(status: TaskStatus, act: Act, *, recurs: bool) -> bool:
    """Tell whether it may be done to a task that stands there (TP-07, TP-08, IM-18).

    A recurring task may be edited whenever it is not running: its end may be put off.

    >>> allows(TaskStatus.COMPLETED, Act.EDIT, recurs=False)
    False
    """
    if act is Act.EDIT and recurs:
        return status is not TaskStatus.RUNNING
    return status in _WHERE[act]


def refusal(act: Act) -> str:
    """Return what people are told where it is not allowed (CF-53).

    >>> refusal(Act.DELETE)
    'Task cannot be deleted in its current status'
    """
    return f"Task cannot be {act} in its current status"


def next_at(plan: Plan, status: TaskStatus, *, now: datetime) -> datetime | None:
    """Return when a task fires next that comes to this state now; None: not by itself."""
    if status is not TaskStatus.SCHEDULED:
        return None
    return next_occurrence(plan.timing.schedule, after=now)


def needs_preview(before: tuple[Plan, TaskStatus] | None, plan: Plan, status: TaskStatus) -> bool:
    """Tell whether somebody must have confirmed a preview of the content first (CF-25).

    Where it enters `scheduled`, and where what was confirmed, or whether anybody is asked,
    changes while it stands there. ``before``: what it was; None where it is new.
    """
    if status is not TaskStatus.SCHEDULED or not plan.preview_recipients:
        return False
    if before is None or before[1] is not TaskStatus.SCHEDULED:
        return True
    earlier = before[0]
    return earlier.content != plan.content or not earlier.preview_recipients


def content_hash(content: PushContent) -> bytes:
    """Return what tells one content from another: a preview of another counts no more (CF-25).

    The same for the same parts, whatever the process; each part with its length, so that no two
    contents run together, and nothing is not the same as an empty text.
    """
    card = content.miniprogram
    parts = (
        content.text,
        content.image,
        content.link,
        None if card is None else card.appid,
        None if card is None else card.page_path,
    )
    digest = blake2b(digest_size=32)
    for part in parts:
        said = b"" if part is None else b"\x01" + part.encode()
        digest.update(len(said).to_bytes(4) + said)
    return digest.digest()


def changes_of(before: Plan, after: Plan) -> dict[str, tuple[LogValue, LogValue]]:
    """Return each field that differs, by its name on the wire: what it was, what it is (TP-12)."""
    was, becomes = described(before), described(after)
    return {field: (was[field], value) for field, value in becomes.items() if was[field] != value}


def described(plan: Plan) -> dict[str, LogValue]:
    """Return a plan as logs show it: each field by its name on the wire."""
    timing, content, card = plan.timing, plan.content, plan.content.miniprogram
    hours, within = plan.sending_hours, plan.misfire.within
    return {
        "name": plan.name,
        "schedule.type": timing.type,
        "schedule.time": timing.time.isoformat(),
        "schedule.timezone": timing.timezone,
        "schedule.recurringInterval": timing.interval,
        "schedule.recurringEnd": None if timing.end is None else timing.end.isoformat(),
        "content.text": content.text,
        "content.image": content.image,
        "content.link": content.link,
        "content.miniprogram": None if card is None else f"{card.appid} {card.page_path}",
        "groups": list(plan.groups),
        "priority": plan.priority,
        "previewRecipients": list(plan.preview_recipients),
        "misfire.policy": plan.misfire.policy,
        "misfire.within": None if within is None else _seconds(within),
        "overlap": plan.overlap,
        "sendingHours": None if hours is None else _hours(hours),
        "asksFeedback": plan.asks_feedback,
    }


def _seconds(duration: timedelta) -> str:
    return f"PT{int(duration.total_seconds())}S"


def _hours(hours: SendingHours) -> str:
    days = ",".join(str(day + 1) for day in sorted(hours.days))
    return f"{hours.begins:%H:%M}-{hours.ends:%H:%M} on {days}"
