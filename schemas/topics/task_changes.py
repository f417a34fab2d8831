"""``task-changes``: the life of tasks and jobs."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated

import msgspec

from schemas.topics.records import ContextId, Moment, Record
from schemas.topics.topic import Topic


class JobStatus(StrEnum):
    """The states of a bulk job (CF-02)."""

    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    """Nothing more is fed; what is in the stream ends. By hand, or by the job's breaker (IM-55)."""
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"


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
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None
    """Why it was paused."""
    total: Annotated[int, msgspec.Meta(ge=0, description="Rows of the job.")]
    updated_at: Moment
    tenant_id: ContextId | None = None


def _event_id(change: JobChanged) -> str:
    step = change.to_status if change.sequence is None else change.sequence
    return f"{change.job_id}:{step}"


TASK_CHANGES: Topic[JobChanged] = Topic(
    name="task-changes",
    model=JobChanged,
    key=lambda change: change.job_id,
    key_meaning="The id of the task or job.",
    event_id=_event_id,
    subject=lambda change: change.job_id,
    event_type=lambda _: "sendtrail.job.changed.v1",
    purpose="The life of tasks, pushes and jobs.",
    retention=timedelta(days=30),
)
