"""When a message's fallback is sent instead (IM-58).

A fallback stands in for a message that failed, with one of the errors that were named or with any,
or that had not come far enough in time. It is sent once, as a message of its own.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from domain.failures import ErrorCode
from domain.lifecycle import Status

FIRST_PAUSE: Final = timedelta(seconds=1)
LONGEST_PAUSE: Final = timedelta(seconds=30)

FAILS_WITHIN: Final = timedelta(hours=48)
"""A failure that comes later leads to nothing any more; results that are asked for come within
a day (CF-12)."""

_FAR: Final = (Status.SENT, Status.DELIVERED, Status.READ)


@dataclass(frozen=True, slots=True)
class Wish:
    """When whoever asked for the message wants its fallback."""

    on_errors: frozenset[ErrorCode] = frozenset()
    """Empty: whatever the error is."""
    unless: Status | None = None
    """How far the message has to come by the deadline; None: only a failure counts."""
    deadline: datetime | None = None


class Step(Enum):
    """What is done about a fallback."""

    SEND = "send"
    LOOK_AGAIN = "look_again"
    FORGET = "forget"
    """The message needs no fallback."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of the message; nothing while its trail has not begun."""

    status: Status | None
    error: ErrorCode | None = None


def decide(wish: Wish, seen: Seen, *, noted_at: datetime, now: datetime) -> Step:
    """Return what to do, now that the message is seen in this state.

    A message that nobody knows yet is waited for, past the deadline too: that the trail lags
    behind says nothing of the message.
    """
    if seen.status is Status.FAILED:
        return Step.SEND if not wish.on_errors or seen.error in wish.on_errors else Step.FORGET
    if seen.status is not None and _has_come_far(seen.status, wish.unless or Status.DELIVERED):
        return Step.FORGET
    if wish.deadline is not None and seen.status is not None and now >= wish.deadline:
        return Step.SEND
    last = max(noted_at, wish.deadline or noted_at) + FAILS_WITHIN
    return Step.LOOK_AGAIN if now < last else Step.FORGET


def next_look(wish: Wish, *, noted_at: datetime, now: datetime) -> datetime:
    """Return when to look again: each second at first, each 30 s later, and at the deadline."""
    pause = min(max((now - noted_at) / 4, FIRST_PAUSE), LONGEST_PAUSE)
    if wish.deadline is not None and now < wish.deadline:
        return min(now + pause, wish.deadline)
    return now + pause


def _has_come_far(status: Status, wanted: Status) -> bool:
    return status in _FAR and _FAR.index(status) >= _FAR.index(wanted)
