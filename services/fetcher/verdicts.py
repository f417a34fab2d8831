"""What follows when a file could not be fetched: another attempt, or its loss. Pure (IM-27)."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from domain.retries import RetryPolicy, pause_after

Reason = Literal["too_large", "type_refused", "not_found", "not_authentic", "gave_up"]


@dataclass(frozen=True, slots=True)
class FetchPolicy:
    """How patiently a file is asked for."""

    retries: RetryPolicy = field(
        default_factory=lambda: RetryPolicy(
            base=timedelta(seconds=4), longest=timedelta(minutes=15)
        )
    )
    """Pauses of up to 4, 8, 16 … seconds, and from the ninth on a quarter of an hour. How many
    there are is not counted."""
    give_up_after: timedelta = timedelta(hours=24)
    """The provider keeps it for seven days (WA 5); whoever waits for it does not."""
    believed_at: int = 3
    """The attempt from which on "not there" and "not what was announced" are believed."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The file is what it is: no further attempt helps."""

    reason: Literal["too_large", "type_refused"]
    detail: str


@dataclass(frozen=True, slots=True)
class Doubted:
    """It looks final, and may yet be a lapse: it is believed when it has come several times."""

    reason: Literal["not_found", "not_authentic"]


@dataclass(frozen=True, slots=True)
class Passing:
    """The provider or our store could not do it now."""

    why: str
    retry_after: timedelta | None = None


Failure = Refused | Doubted | Passing


class NotFetched(Exception):
    """An attempt failed."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(type(failure).__name__)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class TryAgain:
    """Wait, and then try again."""

    due_at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Lose:
    """It will not be fetched."""

    reason: Reason
    detail: str | None = None


def after_failure(
    policy: FetchPolicy,
    failure: Failure,
    *,
    attempt: int,
    asked_at: datetime,
    now: datetime,
    chance: float,
) -> TryAgain | Lose:
    """Decide what follows the ``attempt``-th attempt; ``asked_at`` is when we first heard of it."""
    match failure:
        case Refused(reason, detail):
            return Lose(reason, detail)
        case Doubted(reason) if attempt >= policy.believed_at:
            return Lose(reason)
        case Doubted(reason):
            why, retry_after = str(reason), None
        case Passing(why, retry_after):
            pass
    due_at = now + pause_after(policy.retries, attempt, chance, retry_after)
    if due_at > asked_at + policy.give_up_after:
        return Lose("gave_up", why)
    return TryAgain(due_at, why)
