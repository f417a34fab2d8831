"""``task-changes``: the life of jobs, timed push tasks, pushes and group sends.

No content, no address, no name of a person. Within one thing the order is its ``sequence``.
"""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, assert_never

import msgspec

from domain.tasks import TaskStatus
from schemas.topics.records import ContextId, Moment, Record
from schemas.topics.topic import Topic

Sequence = Annotated[int, msgspec.Meta(ge=1, description="1, 2, 3 … within what it speaks of.")]
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
UserId = Annotated[
    str, msgspec.Meta(min_length=1, max_length=100, description="Who did it; absent: we ourselves.")
]


class JobStatus(StrEnum):
    """The states of a bulk job (CF-02)."""

    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    """Nothing more is fed; what is in the stream ends. By hand, or by the job's breaker (IM-55)."""
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"


class PushStatus(StrEnum):
    """What becomes of one run of a task (TP-16, CF-41, IM-18)."""

    HELD = "held"
    """It waits for the task's hours, or for its turn."""
    RUNNING = "running"
    COMPLETED = "completed"
    """At least one group was sent to."""
    FAILED = "failed"
    SKIPPED = "skipped"
    """Nothing of it was sent, and nothing failed: missed, in the way of another run, or stopped by
    somebody."""


class GroupSendStatus(StrEnum):
    """The states of a group send (GS-06, CF-02)."""

    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    COMPLETED = "COMPLETED"
    PARTIAL_SUCCESS = "PARTIAL_SUCCESS"
    FAILED = "FAILED"


class JobChanged(Record, frozen=True, kw_only=True, rename="camel", tag="job.changed"):
    """A job moved from one state to the next."""

    job_id: ContextId
    from_status: JobStatus | None = None
    """None when the job was created."""
    to_status: JobStatus
    sequence: Annotated[int, msgspec.Meta(ge=1, description="1, 2, 3 … within the job.")] | None = (
        None
    )
    """A job may be paused more than once; records from before that have none."""
    reason: Reason | None = None
    """Why it was paused."""
    total: Annotated[int, msgspec.Meta(ge=0, description="Rows of the job.")]
    updated_at: Moment
    tenant_id: ContextId | None = None


class TaskChanged(Record, frozen=True, kw_only=True, rename="camel", tag="task.changed"):
    """A timed push task was created, edited, deleted, or moved to another state (TP-03)."""

    task_id: ContextId
    from_status: TaskStatus | None = None
    """None when the task was created; an edit may leave the state as it is."""
    to_status: TaskStatus
    sequence: Sequence
    """The task's version: each edit is a change."""
    deleted: bool = False
    """From then on there is no such task (CF-31)."""
    name: Annotated[str, msgspec.Meta(max_length=50)] | None = None
    next_at: Moment | None = None
    """When it fires next; None where it does not."""
    reason: Reason | None = None
    """Why it failed or was paused."""
    changed_by: UserId | None = None
    updated_at: Moment
    tenant_id: ContextId | None = None


class PushChanged(Record, frozen=True, kw_only=True, rename="camel", tag="push.changed"):
    """A push, one run of a task, waits, began or ended. Its messages carry its id as ``jobId``."""

    push_id: ContextId
    task_id: ContextId
    from_status: PushStatus | None = None
    """None the first time that it is spoken of."""
    to_status: PushStatus
    sequence: Sequence
    occurrence_at: Moment | None = None
    """The occurrence that it serves; None where somebody started it by hand (TP-15)."""
    due_at: Moment
    """When it is to begin: later than the occurrence where it is held."""
    groups: Annotated[int, msgspec.Meta(ge=0, description="How many groups it is for.")]
    reason: Reason | None = None
    """Why it was skipped or failed."""
    changed_by: UserId | None = None
    updated_at: Moment
    tenant_id: ContextId | None = None


class GroupSendChanged(Record, frozen=True, kw_only=True, rename="camel", tag="group_send.changed"):
    """A group send moved from one state to the next. Its messages carry its id as ``jobId``."""

    group_send_id: Annotated[int, msgspec.Meta(ge=1, description="In decimal digits as `jobId`.")]
    from_status: GroupSendStatus | None = None
    """None when it was created."""
    to_status: GroupSendStatus
    sequence: Sequence
    targets: Annotated[int, msgspec.Meta(ge=0, description="How many customers it is for.")]
    due_at: Moment | None = None
    """When it begins; None: at once."""
    reason: Reason | None = None
    changed_by: UserId | None = None
    updated_at: Moment
    tenant_id: ContextId | None = None


TaskEvent = JobChanged | TaskChanged | PushChanged | GroupSendChanged


def subject_of(change: TaskEvent) -> str:
    """Return the id of what changed."""
    match change:
        case JobChanged():
            return change.job_id
        case TaskChanged():
            return change.task_id
        case PushChanged():
            return change.push_id
        case GroupSendChanged():
            return str(change.group_send_id)
        case _:
            assert_never(change)


def _key(change: TaskEvent) -> str:
    # A push lies with its task, so that their changes keep their order as well.
    return change.task_id if isinstance(change, PushChanged) else subject_of(change)


def _event_id(change: TaskEvent) -> str:
    step = change.to_status if change.sequence is None else change.sequence
    return f"{subject_of(change)}:{step}"


def _event_type(change: TaskEvent) -> str:
    return f"sendtrail.{type(change).__struct_config__.tag}.v1"


TASK_CHANGES: Topic[TaskEvent] = Topic(
    name="task-changes",
    model=TaskEvent,
    key=_key,
    key_meaning="The id of the task, job or group send; of a push its task's.",
    event_id=_event_id,
    subject=subject_of,
    event_type=_event_type,
    purpose="The life of tasks, pushes, jobs and group sends.",
    retention=timedelta(days=30),
)
