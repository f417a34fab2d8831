"""What is written down of each callback: one wide log event and the metrics."""

import logging
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Final, Protocol

from prometheus_client import Counter as Metric

from runtime.errors import InvalidInput, TryAgainLater
from schemas.topics.provider_events import ProviderEvent, tag_of
from services.ingest_webhook.metrics import ANSWER_SECONDS, CALLBACKS, EVENTS, IGNORED
from services.ingest_webhook.refusals import outcome_of

log = logging.getLogger(__name__)

ACCEPTED: Final = "accepted"


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


def taken_in(told: Told, took: float) -> None:
    """Write down a callback that Kafka has; ``took`` in seconds."""
    events = Counter(tag_of(event) for event in told.events)
    ignored = Counter(part.reason for part in told.ignored)
    _count(ACCEPTED, took)
    for kind, count in events.items():
        _child(EVENTS, kind).inc(count)
    for reason, count in ignored.items():
        _child(IGNORED, reason).inc(count)
    if not ignored and not log.isEnabledFor(logging.DEBUG):
        return
    fields: dict[str, object] = {"events": events}
    if ignored:
        first = told.ignored[0]
        fields |= {"ignored": ignored, "first_ignored": f"{first.where}: {first.what}"}
    _log(logging.INFO if ignored else logging.DEBUG, ACCEPTED, took, fields)


def refused(error: BaseException, took: float) -> None:
    """Write down a callback that was not taken in."""
    outcome = outcome_of(error)
    _count(outcome, took)
    # A 503 is logged where it is answered.
    level = logging.DEBUG if isinstance(error, TryAgainLater) else logging.INFO
    _log(level, outcome, took, {"problem": str(error)} if isinstance(error, InvalidInput) else {})


def _count(outcome: str, took: float) -> None:
    _child(CALLBACKS, outcome).inc()
    ANSWER_SECONDS.observe(took)


@cache
def _child(metric: Metric, label: str) -> Metric:
    # Looking it up in the metric takes a lock and as long as counting. Labels are few.
    return metric.labels(label)


def _log(level: int, outcome: str, took: float, fields: dict[str, object]) -> None:
    told = {"outcome": outcome, "took_ms": round(took * 1_000, 1)}
    log.log(level, "callback.received", extra=told | fields)
