"""What becomes of the occurrences of a task that are due, and of a task whose push ended.

TP-03, CF-30, CF-41, IM-16, IM-18, IM-56.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import chain, takewhile
from typing import Final
from zoneinfo import ZoneInfo

from domain.failures import ErrorCode
from domain.misfires import Catching, sorted_out
from domain.recurrence import Schedule, occurrences
from domain.sending_hours import SendingHours, opens_at
from domain.tasks import Overlap, TaskStatus

MISSED: Final = "missed schedule"
OVERLAPPED: Final = "the push before it was under way"
NO_GROUP: Final = "群聊不存在"
"""What is said of a group that there is not (TP-14)."""
STOPPED: Final = "stopped before anything was sent"
SERVED: Final = "its push was stopped: a new time is needed"
UNHEARD: Final = "nothing was heard of its message"
"""What is said of a group that was given up (IM-60)."""


def error_of_group(code: ErrorCode, prompt: str) -> str:
    """Return why a group was not sent to: one that is no recipient is not there (TP-14, WC-09).

    >>> error_of_group(ErrorCode.INVALID_RECIPIENT, "Recipient phone number is invalid.")
    '群聊不存在'
    """
    return NO_GROUP if code is ErrorCode.INVALID_RECIPIENT else prompt


class Fate(StrEnum):
    """What becomes of an occurrence that is due; a state of its push."""

    RUNNING = "running"
    HELD = "held"
    """It waits for the task's hours, or for its turn."""
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Fated:
    """One occurrence that was due."""

    occurrence: datetime
    fate: Fate
    due_at: datetime
    """When its push begins, or was to begin."""
    reason: str | None = None
    """Why it is skipped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """What a task says of its occurrences."""

    catching: Catching
    overlap: Overlap
    hours: SendingHours | None
    zone: ZoneInfo


def due_until(schedule: Schedule, first: datetime, now: datetime) -> list[datetime]:
    """Return the occurrences from ``first``, which is one, to ``now``, which is included."""
    instants = chain([first], occurrences(schedule, after=first))
    return list(takewhile(lambda one: one <= now, instants))


def fates(
    due: Sequence[datetime], policies: Policies, *, now: datetime, is_busy: bool
) -> list[Fated]:
    """Say what becomes of each occurrence that is due, in their order.

    ``is_busy``: a push of the task is under way or waits. Occurrences that were late together do
    not overlap each other: where all of them are wanted, they come one after another.
    """
    chosen = sorted_out(due, now, policies.catching)
    skipped = [Fated(one, Fate.SKIPPED, one, MISSED) for one in chosen.missed]
    if is_busy and policies.overlap is Overlap.SKIP:
        skipped += [Fated(one, Fate.SKIPPED, one, OVERLAPPED) for one in chosen.fired]
        return sorted(skipped, key=_place)
    opens = None if policies.hours is None else opens_at(now, policies.hours, policies.zone)
    at_once = len(chosen.fired) if policies.overlap is Overlap.ALLOW else int(not is_busy)
    begun = [
        Fated(
            one,
            Fate.RUNNING if opens is None and number < at_once else Fate.HELD,
            opens or one,
        )
        for number, one in enumerate(chosen.fired)
    ]
    return sorted(skipped + begun, key=_place)


def fate_of_held(
    occurrence: datetime, ready_at: datetime, policies: Policies, *, now: datetime
) -> Fated:
    """Say what becomes of a push that waited, now that nothing is in its way any more.

    ``ready_at``: since when that is so. While no scheduler ran its hours may have ended, or it may
    have become too late: what was true when it was held counts no more (IM-16, IM-56).
    """
    if sorted_out([ready_at], now, policies.catching).missed:
        return Fated(occurrence, Fate.SKIPPED, ready_at, MISSED)
    opens = None if policies.hours is None else opens_at(now, policies.hours, policies.zone)
    if opens is not None:
        return Fated(occurrence, Fate.HELD, opens)
    return Fated(occurrence, Fate.RUNNING, ready_at)


def after_claim(
    status: TaskStatus, told: Iterable[Fated], *, recurs: bool, goes_on: bool
) -> tuple[TaskStatus, str | None]:
    """Return where a task stands once its due occurrences have their fates, and why it failed.

    ``goes_on``: it has another occurrence.
    """
    known = list(told)
    if any(one.fate is Fate.RUNNING for one in known):
        return TaskStatus.RUNNING, None
    if goes_on or any(one.fate is Fate.HELD for one in known):
        return status, None
    if status is not TaskStatus.SCHEDULED:
        return status, None
    if not recurs:
        # Without a fate its occurrence had its push before, which somebody stopped: a task of
        # which nothing was sent is not completed.
        return TaskStatus.FAILED, known[-1].reason if known else SERVED
    return TaskStatus.COMPLETED, None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many groups of a push there are in each state."""

    pending: int
    sent: int
    failed: int
    cancelled: int

    @property
    def all(self) -> int:
        """How many groups the push is for."""
        return self.pending + self.sent + self.failed + self.cancelled

    @property
    def succeeded(self) -> bool:
        """Whether a push that ended so is completed: one group is enough (CF-41)."""
        return self.sent > 0

    @property
    def was_stopped(self) -> bool:
        """Whether nothing was sent because somebody stopped it: no failure (IM-18)."""
        return not self.sent and not self.failed and self.cancelled > 0


def after_push(
    status: TaskStatus,
    counts: Counts,
    *,
    recurs: bool,
    goes_on: bool,
    is_busy: bool,
    returns_to: TaskStatus | None,
) -> TaskStatus:
    """Return where a task stands once a push of it has ended (CF-30).

    ``goes_on``: it has another occurrence, or a push that waits. ``is_busy``: another push of it
    is under way. ``returns_to``: where it stood before somebody pushed it by hand, which is a
    test and changes nothing (TP-15).
    """
    if is_busy:
        return status
    ended = TaskStatus.COMPLETED if counts.succeeded else TaskStatus.FAILED
    if status is TaskStatus.PAUSED and not recurs and not counts.cancelled and not returns_to:
        # The pause came too late to stop anything.
        return ended
    if status is not TaskStatus.RUNNING:
        return status
    if returns_to is not None and returns_to is not TaskStatus.SCHEDULED:
        return returns_to
    if goes_on:
        return TaskStatus.SCHEDULED
    return TaskStatus.COMPLETED if recurs else ended


def _place(fated: Fated) -> datetime:
    return fated.occurrence
