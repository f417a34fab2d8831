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
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"


class JobChanged(Record, frozen=True, kw_only=True, rename="camel", tag="job.changed"):
    """A job moved from one state to the next."""

    job_id: ContextId
    from_status: JobStatus | None = None
    """None when the job was created."""
    to_status: JobStatus
    total: Annotated[int, msgspec.Meta(ge=0, description="Rows of the job.")]
    updated_at: Moment
    tenant_id: ContextId | None = None


TASK_CHANGES: Topic[JobChanged] = Topic(
    name="task-changes",
    model=JobChanged,
    key=lambda change: change.job_id,
    key_meaning="The id of the task or job.",
    event_id=lambda change: f"{change.job_id}:{change.to_status}",
    subject=lambda change: change.job_id,
    event_type=lambda _: "sendtrail.job.changed.v1",
    purpose="The life of tasks, pushes and jobs.",
    retention=timedelta(days=30),
)
