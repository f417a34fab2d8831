"""What is asked and answered of jobs, timed push tasks and their pushes (IM-24, IM-40, TP-16)."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from schemas.http.asking import CursorWord, Limit, Moment, Order
from schemas.http.envelope import Shape
from schemas.http.moments import Instant
from schemas.http.trail import JobProgress
from schemas.topics.task_changes import JobStatus


class JobsQuery(Shape):
    """Which jobs; what is not given does not matter."""

    status: JobStatus | None = None
    since: Moment | None = Field(None, alias="from", description="Of createdAt; included.")
    until: Moment | None = Field(None, alias="to", description="Of createdAt; not included.")
    sort: Literal["createdAt"] = "createdAt"
    order: Order = Order.DESC
    cursor: CursorWord | None = Field(None, description="`nextCursor` of the page before.")
    limit: Limit = 20

    @field_validator("until")
    @classmethod
    def _in_order(cls, until: datetime | None, info: ValidationInfo) -> datetime | None:
        since = info.data.get("since")
        if until is not None and since is not None and until < since:
            raise ValueError("lies before 'from'")
        return until


class ResultState(StrEnum):
    """Where a recipient of a job is: as their message, or never sent."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


class ResultsExport(Shape):
    """All recipients of a job, as a file."""

    state: Annotated[tuple[ResultState, ...], Field(max_length=len(ResultState))] = ()
    """May be given more than once; without it, in any state."""


class ResultsQuery(ResultsExport):
    """A page of the recipients of a job."""

    cursor: int = Field(0, ge=0, lt=2**31, description="`nextCursor` of the page before.")
    limit: Limit = 50


class PushesQuery(Shape):
    """A page of the pushes of a task."""

    cursor: CursorWord | None = Field(None, description="`nextCursor` of the page before.")
    limit: Limit = 20


class JobView(Shape):
    """A job, and how far it is."""

    job_id: str
    name: str | None
    channel: str
    sender_id: str
    priority: str
    created_at: Instant
    progress: JobProgress


class JobsPage(Shape):
    """Some jobs, in the order that was asked for."""

    items: list[JobView]
    next_cursor: str | None
    """Where the next page begins; null on the last one."""


class JobAnswer(Shape):
    """One job, in the shape of its family."""

    success: bool = True
    job: JobView


class JobResult(Shape):
    """One recipient of a job, and what became of them (BJ-07)."""

    row: int
    message_id: str
    recipient: str | None
    """Null of somebody who was erased."""
    name: str | None
    """The row's variable `name`, where it has one."""
    state: str
    error_code: str | None
    error: str | None
    sent_at: Instant | None
    delivered_at: Instant | None
    read_at: Instant | None
    failed_at: Instant | None


class JobResultsAnswer(Shape):
    """Some recipients, in the order of the job's rows."""

    success: bool = True
    items: list[JobResult]
    next_cursor: str | None


class Step(Shape):
    """One change of a job, a task or a push."""

    sequence: int
    from_status: str | None
    to_status: str
    reason: str | None
    changed_by: str | None
    """Who did it; null where nobody did it by hand."""
    updated_at: Instant


class JobHistoryAnswer(Shape):
    """How a job came to where it is."""

    success: bool = True
    history: list[Step]


class FailedGroup(Shape):
    """A group that was not sent to, and why."""

    group_id: str
    error: str


class GroupResult(Shape):
    """What became of one group (IM-40)."""

    group_id: str
    status: Literal["pending", "sent", "failed"]
    delivered_at: Instant | None
    """When it was delivered; where the provider does not tell, when it was sent (WC-05)."""
    attempts: int
    """Calls of the provider, retries included (CF-22)."""
    error: str | None


class PushResult(Shape):
    """What became of a push (TP-16)."""

    push_id: str
    task_id: str
    status: str
    """`held`, `running`, `completed` or `failed`; `skipped` of one of which nothing was sent."""
    sent_groups: list[str]
    failed_groups: list[FailedGroup]
    pending_groups: list[str]
    """Those of whom nothing is known yet."""
    progress: JobProgress
    """How many groups are how far (BJ-05); `jobId` is the push."""
    groups: list[GroupResult]
    timestamp: Instant
    """When it began."""


class PushView(Shape):
    """A push in the list of its task."""

    push_id: str
    status: str
    occurrence_at: Instant | None
    due_at: Instant
    begun_at: Instant
    groups: int
    reason: str | None
    progress: JobProgress
    """How many of its groups are how far; `jobId` is the push."""


class PushesPage(Shape):
    """Some pushes of a task, newest first."""

    items: list[PushView]
    next_cursor: str | None
