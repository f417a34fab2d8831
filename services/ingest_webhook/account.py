"""What is written down of each callback: one wide log event and the metrics."""

import logging
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Protocol

from runtime.errors import InvalidInput, TryAgainLater
from schemas.topics.provider_events import ProviderEvent, tag_of
from services.ingest_webhook.metrics import ANSWER_SECONDS, CALLBACKS, EVENTS, IGNORED
from services.ingest_webhook.refusals import OUTCOMES

log = logging.getLogger(__name__)

ACCEPTED = "accepted"
FAILED = "failed"
"""None of the refusals: a fault of ours, or a stop in between."""


class IgnoredPart(Protocol):
    """A part of a callback that became no event."""

    @property
    def reason(self) -> str:
        """A word from a short list."""
        ...

    @property
    def where(self) -> str:
        """Its path in the body."""
        ...

    @property
    def what(self) -> str:
        """The unknown word, or what is wrong. Never content."""
        ...


class Told(Protocol):
    """What a callback said, whichever channel it is of."""

    @property
    def events(self) -> Sequence[ProviderEvent]:
        """What became of its parts."""
        ...

    @property
    def ignored(self) -> Sequence[IgnoredPart]:
        """Its other parts."""
        ...


@dataclass(slots=True)
class Account:
    """What one request came to."""

    told: Told | None = None
    """What was taken in."""
    outcome: str = ACCEPTED
    problem: str | None = None
    """What was wrong with an authentic body."""


@contextmanager
def accounted() -> Generator[Account]:
    """Write down what the block comes to; lets its errors through."""
    began = perf_counter()
    account = Account()
    try:
        yield account
    except BaseException as error:
        account.outcome = OUTCOMES.get(type(error), FAILED)
        if isinstance(error, InvalidInput):
            account.problem = str(error)
        # A 503 is logged where it is answered.
        _log(account, began, logging.DEBUG if isinstance(error, TryAgainLater) else logging.INFO)
        raise
    else:
        ignored = account.told is not None and account.told.ignored
        _log(account, began, logging.INFO if ignored else logging.DEBUG)
    finally:
        _count(account, perf_counter() - began)


def _count(account: Account, took: float) -> None:
    CALLBACKS.labels(account.outcome).inc()
    ANSWER_SECONDS.observe(took)
    if account.told is not None:
        for kind, count in _events(account.told).items():
            EVENTS.labels(kind).inc(count)
        for reason, count in _ignored(account.told).items():
            IGNORED.labels(reason).inc(count)


def _log(account: Account, began: float, level: int) -> None:
    if not log.isEnabledFor(level):
        return
    fields: dict[str, object] = {
        "outcome": account.outcome,
        "took_ms": round((perf_counter() - began) * 1_000, 1),
    }
    if account.problem is not None:
        fields["problem"] = account.problem
    if account.told is not None:
        fields["events"] = _events(account.told)
        if account.told.ignored:
            first = account.told.ignored[0]
            fields["ignored"] = _ignored(account.told)
            fields["first_ignored"] = f"{first.where}: {first.what}"
    log.log(level, "callback.received", extra=fields)


def _events(told: Told) -> dict[str, int]:
    return Counter(tag_of(event) for event in told.events)


def _ignored(told: Told) -> dict[str, int]:
    return Counter(part.reason for part in told.ignored)
