"""Bodies and answers of timed push tasks: ``/api/tasks`` (TP-05…TP-13, IM-44)."""

from datetime import time, timedelta
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from domain.misfires import Misfire
from domain.pacing import Priority
from domain.recurrence import Every
from domain.tasks import Overlap, ScheduleType, TaskStatus
from schemas.http.asking import Moment, Order, Word
from schemas.http.envelope import Shape
from schemas.http.moments import Instant

MOST_AT_ONCE: Final = 100
"""Tasks of one batch."""
FARTHEST_ROW: Final = 10_000
"""What a list shows of what is found; the file has all."""

Version = Annotated[int, Field(ge=1, lt=2**31)]
EnterableStatus = Literal["draft", "scheduled"]


class _Given(BaseModel):
    """Part of a body: what is not given stays; values are taken as they are or not at all."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True, strict=True
    )


class Weekday(StrEnum):
    """A day of the week."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


class ScheduleBody(_Given):
    """When (TP-05, CF-29, CF-30)."""

    type: ScheduleType | None = None
    time: Moment | None = Field(None, description="The first time; its wall time recurs.")
    timezone: str | None = Field(
        None, max_length=64, description="An IANA zone; without it the installation's."
    )
    recurring_interval: Every | None = None
    recurring_end: Moment | None = Field(None, description="Included; null: for ever.")


class MiniProgramBody(_Given):
    """A card that opens a page of a mini-program."""

    appid: str
    page_path: str


class ContentBody(_Given):
    """What is sent (TP-02); an empty text is none."""

    text: str | None = Field(None, description="At most 500 characters (code points).")
    image: str | None = None
    link: str | None = None
    miniprogram: MiniProgramBody | None = None


class MisfireBody(_Given):
    """What is done about late occurrences (IM-16, IM-56)."""

    policy: Misfire
    within: timedelta | None = Field(
        None, description="ISO 8601, as `PT15M`: later than that nothing is sent."
    )


class SendingHoursBody(_Given):
    """Days and hours at which it may be sent, on the clock of the schedule's zone (IM-56)."""

    begins: time
    ends: time = Field(description="Before `begins`: on the next day.")
    days: tuple[Weekday, ...] = Field(tuple(Weekday), min_length=1, max_length=7)


class TaskBody(_Given):
    """A task, or what changes of it: what is not given stays, null takes away.

    Of `schedule` and `content` the same holds for each of their fields.
    """

    name: str | None = Field(None, description="At most 50 characters.")
    schedule: ScheduleBody | None = None
    content: ContentBody | None = None
    groups: tuple[str, ...] | None = Field(None, description="At most 100.")
    priority: Priority | None = None
    status: EnterableStatus | None = None
    preview_recipients: tuple[str, ...] | None = None
    misfire: MisfireBody | None = None
    overlap: Overlap | None = None
    sending_hours: SendingHoursBody | None = None
    asks_feedback: bool | None = None


class TaskChange(TaskBody):
    """What changes of a task."""

    version: Version | None = Field(
        None, description="What the change is made of; 409 where it is another by now (IM-20)."
    )


class BatchUpdates(TaskBody):
    """What a batch changes of each of its tasks (CF-24)."""

    resume_at: Moment | None = Field(None, description="Of `pause`: when it goes on by itself.")


class BatchAction(StrEnum):
    """What is done to each task of a batch (TP-09, CF-24)."""

    DELETE = "delete"
    PAUSE = "pause"
    RESUME = "resume"
    COPY = "copy"
    UPDATE = "update"


class BatchBody(_Given):
    """One thing done to many tasks."""

    task_ids: Annotated[
        # An answer that tells of a NUL could not be kept for whoever repeats the call.
        tuple[Annotated[str, StringConstraints(max_length=100, pattern="^[^\x00]*$")], ...],
        Field(min_length=1, max_length=MOST_AT_ONCE),
    ]
    action: BatchAction
    updates: BatchUpdates | None = None


class OccurrencesBody(_Given):
    """A schedule whose occurrences are asked for."""

    schedule: ScheduleBody
    count: Annotated[int, Field(ge=1, le=MOST_AT_ONCE)] = 10


class OccurrencesQuery(Shape):
    """How many."""

    count: Annotated[int, Field(ge=1, le=MOST_AT_ONCE)] = 10


class TaskSort(StrEnum):
    """What a list is ordered by (TP-13, CF-47); what is alike, by its creation."""

    TIME = "time"
    STATUS = "status"
    PRIORITY = "priority"
    CREATED_AT = "createdAt"


class TaskFilter(Shape):
    """Which tasks; what is not given does not matter."""

    status: TaskStatus | None = None
    start_time: Moment | None = Field(None, description="Of schedule.time; included.")
    end_time: Moment | None = Field(None, description="Of schedule.time; included.")
    group_id: Word | None = None
    creator_id: Word | None = None
    recipient_id: Word | None = Field(None, description="One of the preview recipients.")
    sort: TaskSort = TaskSort.CREATED_AT
    order: Order = Order.DESC


class TasksQuery(TaskFilter):
    """A page of them."""

    page: Annotated[int, Field(ge=1, le=FARTHEST_ROW)] = 1
    limit: Annotated[int, Field(ge=1, le=100)] = 20


class GroupsQuery(Shape):
    """Which group chats."""

    search: Word | None = Field(None, description="Part of the name, or the id.")
    page: Annotated[int, Field(ge=1, le=FARTHEST_ROW)] = 1
    limit: Annotated[int, Field(ge=1, le=100)] = 100


class TaskCreated(Shape):
    """TP-05's answer, exactly."""

    task_id: str
    message: Literal["Task created"] = "Task created"


class TaskUpdated(Shape):
    """TP-07's answer, exactly."""

    task_id: str
    message: Literal["Task updated"] = "Task updated"


class TaskDeleted(Shape):
    """TP-08's answer, exactly."""

    message: Literal["Task deleted"] = "Task deleted"


class ScheduleShown(Shape):
    """When."""

    type: str
    time: Instant
    timezone: str
    recurring_interval: str | None
    recurring_end: Instant | None


class MiniProgramShown(Shape):
    """A card."""

    appid: str
    page_path: str


class ContentShown(Shape):
    """What is sent."""

    text: str | None
    image: str | None
    link: str | None
    miniprogram: MiniProgramShown | None


class MisfireShown(Shape):
    """What is done about late occurrences."""

    policy: str
    within: timedelta | None


class SendingHoursShown(Shape):
    """When it may be sent."""

    begins: str
    ends: str
    days: list[Weekday]


class TaskShown(Shape):
    """A task (TP-06)."""

    task_id: str
    name: str
    schedule: ScheduleShown
    content: ContentShown
    groups: list[str]
    priority: str
    status: str
    creator_id: str
    preview_recipients: list[str]
    created_at: Instant
    updated_at: Instant
    misfire: MisfireShown
    overlap: str
    sending_hours: SendingHoursShown | None
    asks_feedback: bool
    version: int
    next_at: Instant | None
    """When it is sent next; null: not by itself."""
    resume_at: Instant | None
    """When it goes on by itself; null: it is not paused, or until somebody resumes it."""
    last_error: str | None
    """Why it failed the last time (TP-14)."""


class TasksPage(Shape):
    """TP-06's answer."""

    tasks: list[TaskShown]
    total: int
    """How many are found; 10,000 where they are more: see `totalIsExact`."""
    page: int
    limit: int
    total_is_exact: bool
    """False: there are more. Ask for less, or for the file."""


class Occurrences(Shape):
    """The next times of a schedule, in order; fewer where it ends."""

    occurrences: list[Instant]


class FailedTask(Shape):
    """A task of a batch to which it was not done, and why."""

    task_id: str
    error: str


class CopiedTask(Shape):
    """A task of a batch, and its copy."""

    task_id: str
    copied_from: str


class BatchDone(Shape):
    """TP-09's answer."""

    message: Literal["Batch operation completed"] = "Batch operation completed"
    failed_tasks: list[FailedTask]
    copies: list[CopiedTask] = Field(default_factory=list[CopiedTask])
    """Of `copy`: the new ones."""


class LogShown(Shape):
    """A line of a task's log (TP-12)."""

    log_id: str
    task_id: str
    action: str
    user_id: str
    timestamp: Instant
    changes: dict[str, dict[str, str | bool | list[str] | None]]
    """By field: `from` and `to`."""


Plain = Annotated[str, StringConstraints(min_length=1, pattern=r"^[^\x00-\x1f]*$")]
"""A text of one line."""


MOST_MEMBERS: Final = 1_000_000
"""More than any group chat holds."""


class GroupBody(_Given):
    """A group chat that tasks may be sent to (IM-44)."""

    group_id: Annotated[Plain, StringConstraints(max_length=128)]
    name: Annotated[Plain, StringConstraints(max_length=100)]
    channel: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
    sender_id: Annotated[Plain, StringConstraints(max_length=64)]
    recipient: Annotated[Plain, StringConstraints(max_length=128)] | None = Field(
        None, description="As the channel spells it; without it `chat:` and the group's id."
    )
    members: Annotated[int, Field(ge=0, le=MOST_MEMBERS)] | None = Field(
        None, description="How many people are in it; without it what was said before stays."
    )
    is_active: Annotated[bool, Field(description="False: it is not offered any more.")] = True
    tenant_id: Word | None = None


class GroupsBody(_Given):
    """Group chats that are new, or changed."""

    groups: Annotated[tuple[GroupBody, ...], Field(min_length=1, max_length=1_000)]


class GroupsEntered(Shape):
    """How many were given, each counted once."""

    entered: int


class GroupShown(Shape):
    """A group chat."""

    group_id: str
    name: str
    channel: str
    sender_id: str
    members: int | None
    """How many people are in it; null: nobody has said."""
    is_active: bool


class GroupsPage(Shape):
    """Some group chats, by name."""

    groups: list[GroupShown]
    total: int
    page: int
    limit: int
