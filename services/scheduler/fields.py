"""Which times a caller may name (CF-08)."""

from datetime import UTC, datetime, timedelta
from typing import Final

from runtime.errors import InvalidInput

FARTHEST: Final = timedelta(days=366)
"""How far ahead a time may lie; farther is more likely a mistake in the year."""


def wrong_expiry(expires_at: datetime, *, starts: datetime) -> InvalidInput | None:
    """Return the error where nothing could be sent in time: ``starts`` is when it begins."""
    if starts < expires_at <= starts + FARTHEST:
        return None
    problem = f"must lie after the sending begins, at most {FARTHEST.days} days"
    return InvalidInput("expiresAt", problem)


def in_utc(moment: datetime | None) -> datetime | None:
    """Return the moment as PostgreSQL takes it, which knows no offsets of 16 hours and more."""
    return None if moment is None else moment.astimezone(UTC)
