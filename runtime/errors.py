"""Which errors cross the rooms, by what the caller does next.

SendtrailError
├── TryAgainLater       nothing was lost; the same call may succeed later (HTTP 503)
│   ├── BrokerAway
│   └── DatabaseAway
├── InvalidInput        the caller's mistake, with the field's name (HTTP 400)
├── WrongFields         all of the caller's mistakes at once, each with its field (HTTP 400)
├── Unauthorized        nobody we know (HTTP 401)
├── Forbidden           known, and may not (HTTP 403)
├── NotFound            HTTP 404
├── Conflict            the state does not allow it (HTTP 409)
└── Fenced              another process owns the work now: drop it, commit nothing
"""

from collections.abc import Sequence
from datetime import timedelta


class SendtrailError(Exception):
    """The root of our errors."""


class TryAgainLater(SendtrailError):
    """Something we depend on is away."""


class BrokerAway(TryAgainLater):
    """Kafka did not acknowledge in time. What was handed over may or may not arrive."""


class DatabaseAway(TryAgainLater):
    """PostgreSQL cannot be reached or is shutting down."""


class InvalidInput(SendtrailError):
    """A field of the input is wrong."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


class WrongFields(SendtrailError):
    """Fields of the input are wrong: the caller's mistakes, all at once."""

    def __init__(self, told: str, problems: Sequence[tuple[str, str]]) -> None:
        super().__init__(told)
        self.problems = problems
        """By field: what is wrong with it."""


class Unauthorized(SendtrailError):
    """Who calls is not known; the argument is what people are told."""

    def __init__(self, told: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(told)
        self.retry_after = retry_after


class Forbidden(SendtrailError):
    """The caller may not do that; the argument is what people are told."""


class NotFound(SendtrailError):
    """There is no such thing; the argument is what people are told."""


class Conflict(SendtrailError):
    """The present state does not allow it; the argument is what people are told."""


class Fenced(SendtrailError):
    """Another process has taken over what this one was doing."""
