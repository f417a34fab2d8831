"""Messages that a provider took and has not called back about (IM-54)."""

from schemas.http.envelope import Shape
from schemas.http.trail import Instant


class StaleSender(Shape):
    """What is stale of one sending account."""

    sender: str
    """``channel:senderId``."""
    count: int
    oldest_at: Instant


class StaleMessage(Shape):
    """One of them."""

    message_id: str
    sender: str
    accepted_at: Instant
    """When its provider took it."""


class StalePage(Shape):
    """Senders with all that is stale, and messages, the oldest first."""

    senders: list[StaleSender]
    messages: list[StaleMessage]
    next_cursor: str | None
