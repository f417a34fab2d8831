"""Live statistics: ``GET /api/v1/statistics/live``."""

from datetime import datetime

from pydantic import Field

from schemas.http.envelope import Shape


class Reached(Shape):
    """How many messages got how far; each level contains those above it (CF-16, CF-58)."""

    sending: int = Field(description="Taken by a dispatcher, and not failed.")
    sent: int = Field(description="Accepted by the provider: now sent, delivered or read.")
    delivered: int = Field(description="On the recipient's device: now delivered or read.")
    read: int
    failed: int


class Durations(Shape):
    """Percentiles, in seconds, within 5 %; null where nothing was measured."""

    p50: float | None
    p95: float | None
    p99: float | None
    count: int = Field(description="How many were measured.")


class LiveStatistics(Shape):
    """One window of one channel, sender or job."""

    window_start: datetime | None = Field(description="Null for the total.")
    channel: str | None = None
    sender_id: str | None = None
    job_id: str | None = None
    counts: Reached
    failed_by_code: dict[str, int]
    seconds_to_sent: Durations = Field(description="From acceptance by us to the provider's.")
    seconds_to_delivered: Durations = Field(description="From acceptance by us to delivery.")
