"""What becomes of a job's row, as news of its message comes (BJ-05, IM-23, IM-60)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from domain.breaker import Outcomes


class RowState(StrEnum):
    """Where a row is: waiting -> fed -> settled or failed; or it is never sent."""

    WAITING = "waiting"
    FED = "fed"
    """Between `send-requests` and the provider's answer: it takes a place in its job's window."""
    SETTLED = "settled"
    """A provider has the message."""
    FAILED = "failed"
    SKIPPED = "skipped"
    """Never sent, for a reason of the row's own."""
    CANCELLED = "cancelled"
    """Never sent, because the job was cancelled."""


class News(StrEnum):
    """What a change of a message's status means for its row."""

    REACHED = "reached"
    """A provider has it, or did more with it."""
    FAILED = "failed"
    """It failed after a dispatcher had taken it."""
    NEVER_SENT = "never_sent"
    """It failed before any dispatcher had taken it."""
    RECOVERED = "recovered"
    """Evidence of success overruled its failure."""


@dataclass(frozen=True, slots=True)
class Unsent:
    """How many rows of a job were never sent, or by how many that changes."""

    skipped: int = 0
    cancelled: int = 0
    recalled: int = 0
    """Of the cancelled ones those that were in the stream, and were refused there."""

    def __add__(self, other: "Unsent") -> "Unsent":
        """Return both together."""
        return Unsent(
            self.skipped + other.skipped,
            self.cancelled + other.cancelled,
            self.recalled + other.recalled,
        )


def after(state: RowState, news: News, *, cancelled: bool) -> RowState:
    """Return the row's state; ``cancelled``: its job is.

    A row that is still waiting was published by a step that died before it committed: it is
    settled as well, so that it is not published again. What is old news changes nothing.

    >>> after(RowState.FED, News.NEVER_SENT, cancelled=True)
    <RowState.CANCELLED: 'cancelled'>
    """
    match state:
        case RowState.SKIPPED:
            return state
        case RowState.SETTLED:
            return RowState.FAILED if news is News.FAILED else state
        case RowState.FAILED:
            return RowState.SETTLED if news is News.RECOVERED else state
        case RowState.WAITING | RowState.FED | RowState.CANCELLED:
            return _first(news, cancelled=cancelled)
        case _:
            assert_never(state)


def _first(news: News, *, cancelled: bool) -> RowState:
    match news:
        case News.REACHED | News.RECOVERED:
            return RowState.SETTLED
        case News.FAILED:
            return RowState.FAILED
        case News.NEVER_SENT:
            return RowState.CANCELLED if cancelled else RowState.FAILED
        case _:
            assert_never(news)


def counted(before: RowState, now: RowState) -> Outcomes:
    """Return by how much the row changes its job's outcomes; each row counts once."""
    return Outcomes(
        reached=(now is RowState.SETTLED) - (before is RowState.SETTLED),
        failed=(now is RowState.FAILED) - (before is RowState.FAILED),
    )


def unsent(before: RowState, now: RowState, *, recalled: bool) -> Unsent:
    """Return by how much news of a row's message change its job's unsent rows.

    Whoever is cancelled by news was in the stream. ``recalled``: it was known of the row before.

    >>> unsent(RowState.FED, RowState.CANCELLED, recalled=False)
    Unsent(skipped=0, cancelled=1, recalled=1)
    """
    is_cancelled = now is RowState.CANCELLED
    return Unsent(
        cancelled=is_cancelled - (before is RowState.CANCELLED), recalled=is_cancelled - recalled
    )
