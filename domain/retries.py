"""When a failed attempt is repeated, and when we stop (IM-09, CF-22).

With the default policy the pauses before the second, third and fourth attempt lie, evenly
spread, within (0.5..1), (1..2) and (2..4) seconds; a ``Retry-After`` moves them later, never
earlier, and never beyond its cap.

A throttled attempt is none of the message's failures, so it does not count: such pauses double
from one second to half a minute, or for one recipient run 1, 4, 16, 30 … (WhatsApp asks for 4^X).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.outcomes import Scope

_STEPS = 15
"""One second times four so often is 34 years; a timedelta would overflow some ten steps later."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently a call is repeated."""

    attempts: int = 4
    """The first attempt and up to three more (CF-22)."""
    base: timedelta = timedelta(seconds=1)
    """The longest pause before the second attempt; doubles with each further one."""
    longest: timedelta = timedelta(minutes=5)
    """No pause of our own choice is longer."""
    longest_throttle: timedelta = timedelta(seconds=30)
    """The longest pause of our own choice while a provider has no room."""
    longest_retry_after: timedelta = timedelta(hours=1)
    """A provider's ``Retry-After`` beyond it is cut, so that an absurd value parks nothing."""
    longest_rest: timedelta = timedelta(days=1)
    """So is what it asks of a sending account: a day's quota begins anew with the next day."""


@dataclass(frozen=True, slots=True)
class RetryAt:
    """Try again at this time."""

    due_at: datetime


@dataclass(frozen=True, slots=True)
class GiveUp:
    """All attempts are used up."""


NextStep = RetryAt | GiveUp


def next_step(
    policy: RetryPolicy,
    *,
    attempt: int,
    now: datetime,
    chance: float,
    retry_after: timedelta | None = None,
) -> NextStep:
    """Decide what follows the ``attempt``-th failed attempt (the first is 1).

    ``chance`` in [0, 1) spreads the pause over its upper half, so that what failed together
    does not come back together.
    """
    if attempt >= policy.attempts:
        return GiveUp()
    return RetryAt(now + pause_after(policy, attempt, chance, retry_after))


def pause_after(
    policy: RetryPolicy, attempt: int, chance: float, retry_after: timedelta | None = None
) -> timedelta:
    """Return the pause after the ``attempt``-th failed attempt, whether or not it is the last."""
    longest = _growing(policy.base, 2, attempt - 1, policy.longest)
    return _pause(policy, longest, chance, retry_after)


def after_throttle(
    policy: RetryPolicy,
    *,
    scope: Scope,
    throttled: int,
    now: datetime,
    chance: float,
    retry_after: timedelta | None = None,
) -> datetime:
    """Return when a throttled message is due again, after ``throttled`` earlier throttles.

    It is never given up for that: a provider without room is no failure of the recipient's.
    """
    factor = 4 if scope is Scope.RECIPIENT else 2
    longest = _growing(policy.base, factor, throttled, policy.longest_throttle)
    if scope is Scope.RECIPIENT or retry_after is None:
        return now + _pause(policy, longest, chance, retry_after)
    return now + max(_pause(policy, longest, chance), min(retry_after, policy.longest_rest))


def rest_after(
    policy: RetryPolicy, *, scope: Scope, now: datetime, retry_after: timedelta | None
) -> datetime | None:
    """Return until when nothing of the throttled account is called; None: as its rate says.

    >>> noon = datetime(2026, 3, 2, 12)
    >>> rest_after(RetryPolicy(), scope=Scope.SENDER, now=noon, retry_after=timedelta(seconds=60))
    datetime.datetime(2026, 3, 2, 12, 1)
    """
    if scope is Scope.RECIPIENT or retry_after is None:
        return None
    return now + min(retry_after, policy.longest_rest)


def _growing(base: timedelta, factor: int, steps: int, longest: timedelta) -> timedelta:
    return min(base * factor ** min(steps, _STEPS), longest)


def _pause(
    policy: RetryPolicy, longest: timedelta, chance: float, retry_after: timedelta | None = None
) -> timedelta:
    pause = longest * (0.5 + chance / 2)
    if retry_after is not None:
        pause = max(pause, min(retry_after, policy.longest_retry_after))
    return pause
