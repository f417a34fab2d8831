"""The time, as a thing to pass in."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Returns the present moment: aware, UTC."""


def now() -> datetime:
    """Return the machine's time."""
    return datetime.now(UTC)
