"""When a provider is asked what became of a message, and what its answers add up to (CF-12, IM-08).

Some providers take a message and tell its results only to those who ask. They are asked often at
first and each half hour later (WC 93338 gives no pace; this one is far below its limits), until a
time limit: a customer who was not written to by then counts as failed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from domain.failures import ErrorCode, Failure, Origin
from domain.lifecycle import FailedAt

RESULTS: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 30))
"""How long after the acceptance results are asked for."""
RESULTS_EACH: Final = timedelta(minutes=30)
"""From then on."""

FINDS: Final = tuple(timedelta(seconds=seconds) for seconds in (10, 30, 60, 120))
"""How long after a call without an answer its provider is asked whether it has the message."""
FINDS_EACH: Final = timedelta(minutes=2)

SOON: Final = timedelta(seconds=10)
"""The first pause after a provider that could not tell: such states last seconds (WC 41063)."""
LATEST_SOON: Final = timedelta(minutes=5)

LAST_CHANCE: Final = timedelta(hours=1)
"""A provider that cannot tell at the time limit is asked for so long still: its being away says
nothing of the recipients."""


def next_results(accepted_at: datetime, *, now: datetime, within: timedelta) -> datetime:
    """Return when results are asked for next; the time limit is the last such moment."""
    step = _next_step(RESULTS, RESULTS_EACH, now - accepted_at)
    return accepted_at + min(step, within)


def next_find(called_at: datetime, *, now: datetime) -> datetime:
    """Return when a provider is asked next whether a call without an answer came through."""
    return called_at + _next_step(FINDS, FINDS_EACH, now - called_at)


def soon(delays: int) -> timedelta:
    """Return the pause after a provider could not tell, for the ``delays``-th time in a row.

    >>> [soon(delays).seconds for delays in (1, 2, 3, 99)]
    [10, 20, 40, 300]
    """
    return min(SOON * 2 ** min(delays - 1, 10), LATEST_SOON)


def is_over(accepted_at: datetime, *, now: datetime, within: timedelta, told: bool) -> bool:
    """Tell whether waiting for results is over, given whether the provider could tell just now."""
    return now >= accepted_at + within + (timedelta() if told else LAST_CHANCE)


@dataclass(frozen=True, slots=True)
class Tally:
    """What the results of a message's recipients add up to."""

    sent_at: datetime | None = None
    """When the first recipient got it."""
    failed: FailedAt | None = None
    """What the failures have in common, and when the last of them happened."""

    @property
    def verdict(self) -> FailedAt | None:
        """Return the message's own failure, once every recipient has a result."""
        return self.failed if self.sent_at is None else None


def counted(tally: Tally, sent: Sequence[datetime], failed: Iterable[FailedAt]) -> Tally:
    """Return the tally with further results: when some got it, why others did not."""
    if sent:
        known = () if tally.sent_at is None else (tally.sent_at,)
        tally = replace(tally, sent_at=min([*sent, *known]))
    for one in failed:
        tally = replace(tally, failed=one if tally.failed is None else _both(tally.failed, one))
    return tally


def _both(one: FailedAt, other: FailedAt) -> FailedAt:
    return FailedAt(max(one.at, other.at), in_common(one.failure, other.failure))


def in_common(one: Failure, other: Failure) -> Failure:
    """Return what two recipients' failures have in common.

    Only where the provider said both is it the provider who says so: what we concluded may still
    be overruled (IM-05).
    """
    by_provider = one.origin is other.origin is Origin.PROVIDER
    return Failure(
        one.code if one.code is other.code else ErrorCode.UNKNOWN_ERROR,
        Origin.PROVIDER if by_provider else Origin.LOCAL,
        one.provider_code if one.provider_code == other.provider_code else None,
        one.detail if one.detail == other.detail else None,
    )


def _next_step(first: Sequence[timedelta], each: timedelta, elapsed: timedelta) -> timedelta:
    """Return the first step of a timetable that has not passed."""
    ahead = (step for step in first if step > elapsed)
    return next(ahead, each * (elapsed // each + 1))
