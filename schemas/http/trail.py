"""What the query side answers about messages and jobs (ST-09, CF-20)."""

from pydantic import Field

from schemas.http.envelope import Shape
from schemas.http.moments import Instant


class MessageStatus(Shape):
    """Where a message is (ST-09). ``pending`` is shown as ``sending`` (CF-01)."""

    message_id: str
    status: str
    sent_at: Instant
    """When we accepted it; never null (CF-42)."""
    delivered_at: Instant | None = None
    read_at: Instant | None = None
    failed_at: Instant | None = None
    error_code: str | None = None
    error_message: str | None = None


class ConversationRead(Shape):
    """A conversation that has been marked as read."""

    conversation_id: str
    unread: int = 0
    """What came in after `upTo`."""


class JobCounts(Shape):
    """How many of a job's recipients are where now."""

    pending: int
    """Not handed to a provider yet."""
    sending: int
    sent: int
    delivered: int
    read: int
    failed: int
    skipped: int
    """Never sent, with a reason: invalid number, missing variable."""
    cancelled: int


class JobFailure(Shape):
    """One recipient who was not reached, and why."""

    worker_id: str
    name: str
    phone: str
    error: str


class JobProgress(Shape):
    """How far a job is (BJ-05, CF-20)."""

    job_id: str
    status: str
    total: int
    processed: int
    """Recipients whose sending has ended, well or badly."""
    success_count: int
    """Reached ``sent`` or later (CF-58)."""
    failed_count: int
    percent: float
    per_second: float | None = None
    """How many end in a second, of late; null while nobody can tell."""
    estimated_remaining_seconds: float | None
    """At that rate; null while it is unknown (IM-24)."""
    paused_reason: str | None = None
    """While it is paused."""
    started_at: Instant | None
    finished_at: Instant | None
    counts: JobCounts
    failures: list[JobFailure] = Field(default_factory=list[JobFailure])
    """Filled once the job has ended (BJ-07); the first thousand."""


class JobProgressAnswer(Shape):
    """The answer of the bulk job family."""

    success: bool = True
    progress: JobProgress
