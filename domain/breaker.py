"""When a job or a sender is paused because its messages fail, instead of burning its list (IM-55).

Outcomes are counted in windows that follow each other: a window ends once enough outcomes are
known, and is judged by the share that failed. A message counts once. One that fails after the
provider had taken it moves from one count to the other, in the window in which that is heard:
callbacks come seconds after acceptances, hundreds of messages later, and this is the only way in
which a list whose messages all fail late is seen to fail at all.

A sender lives longer than a job, so its window also ends after a time: failures of last week say
nothing of today. Each time that it trips without a sound window in between, it is left alone for
longer: accepted probes prove little where messages fail only afterwards.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.failures import ErrorCode


@dataclass(frozen=True, slots=True)
class Breaker:
    """When to pause."""

    share: float = 0.5
    """Of the outcomes of a window: as many failures or more."""
    after: int = 50
    """Outcomes that make a window; 0: never pause."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What is known of a window's messages."""

    reached: int = 0
    """Those that a provider has; below 0 where more of an earlier window's failed late."""
    failed: int = 0

    @property
    def known(self) -> int:
        """How many outcomes there are."""
        return max(0, self.reached) + max(0, self.failed)

    def __add__(self, more: "Outcomes") -> "Outcomes":
        """Return both together."""
        return Outcomes(self.reached + more.reached, self.failed + more.failed)


class Verdict(StrEnum):
    """What a window's outcomes mean."""

    TOO_FEW = "too_few"
    """The window goes on."""
    SOUND = "sound"
    """The next window begins."""
    TRIPPED = "tripped"
    """The job is paused."""


def judge(breaker: Breaker, outcomes: Outcomes) -> Verdict:
    """Return what the outcomes mean.

    >>> judge(Breaker(share=0.5, after=50), Outcomes(reached=25, failed=25))
    <Verdict.TRIPPED: 'tripped'>
    """
    if not 0 < breaker.after <= outcomes.known:
        return Verdict.TOO_FEW
    tripped = outcomes.failed >= breaker.share * outcomes.known
    return Verdict.TRIPPED if tripped else Verdict.SOUND


@dataclass(frozen=True, slots=True)
class Window:
    """The present window of a sender."""

    since: datetime
    outcomes: Outcomes = Outcomes()
    trips: int = 0
    """How often it has tripped since its last sound window."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of a window's further outcomes."""

    verdict: Verdict
    outcomes: Outcomes
    """Those that were judged."""
    next: Window
    """The window that goes on, or begins."""


def learn(
    breaker: Breaker, lasts: timedelta, window: Window, more: Outcomes, now: datetime
) -> Judged:
    """Judge a sender's window with more outcomes; one that has lasted its time is forgotten."""
    if now - window.since >= lasts:
        window = Window(now, trips=window.trips)
    outcomes = window.outcomes + more
    verdict = judge(breaker, outcomes)
    match verdict:
        case Verdict.TOO_FEW:
            after = replace(window, outcomes=outcomes)
        case Verdict.SOUND:
            after = Window(now)
        case Verdict.TRIPPED:
            after = Window(now, trips=window.trips + 1)
    return Judged(verdict, outcomes, after)


_FIRST_PAUSE: Final = timedelta(seconds=10)
_LONGEST_PAUSE: Final = timedelta(minutes=10)
_STEPS: Final = 10


def pause_of(trips: int) -> timedelta:
    """Return how long a sender is left alone that has tripped so often, the last time included.

    >>> str(pause_of(1)), str(pause_of(3)), str(pause_of(100))
    ('0:00:10', '0:00:40', '0:10:00')
    """
    return min(_FIRST_PAUSE * 2 ** min(max(trips - 1, 0), _STEPS), _LONGEST_PAUSE)


_OF_OTHERS: Final = frozenset(
    {
        ErrorCode.INVALID_RECIPIENT,
        ErrorCode.DAILY_LIMIT_EXCEEDED,
        ErrorCode.SEND_INTERVAL_LIMIT,
    }
)


def may_blame_sender(code: ErrorCode) -> bool:
    """Tell whether a failure may be the sender's or its provider's, as far as our code says.

    A recipient's is not, nor a limit that did its work. What nobody knows is.
    """
    return code not in _OF_OTHERS
