"""What the entries say about a question: sums over partitions, and percentiles."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from schemas.http.statistics import Durations, LiveStatistics, Reached
from services.statistics.counting import COUNTED, Dimension, Entry, Place, Window
from services.statistics.latencies import percentile

_FIELD_OF: Final = {
    Dimension.CHANNEL: "channel",
    Dimension.SENDER: "sender_id",
    Dimension.JOB: "job_id",
}


@dataclass(frozen=True, slots=True)
class Question:
    """Which windows of which things."""

    window: Window
    by: Dimension
    id: str | None = None
    """All where None."""
    since: datetime | None = None
    """The first window start that counts."""
    before: datetime | None = None
    """The first window start that does not count any more."""
    now: datetime = field(kw_only=True)
    """Windows that are not kept any longer are not told, even while they are still there."""

    def asks_for(self, place: Place) -> bool:
        """Whether the entry belongs to the answer."""
        return (
            place.window is self.window
            and place.dimension is self.by
            and (self.id is None or place.id == self.id)
            and (self.since is None or place.start >= self.since.timestamp())
            and (self.before is None or place.start < self.before.timestamp())
            and place.is_kept(self.now)
        )


@dataclass(slots=True)
class _Sum:
    counts: Counter[str] = field(default_factory=Counter[str])
    failed_by_code: Counter[str] = field(default_factory=Counter[str])
    to_sent: Counter[int] = field(default_factory=Counter[int])
    to_delivered: Counter[int] = field(default_factory=Counter[int])

    def add(self, entry: Entry) -> None:
        self.counts.update(dict(zip(COUNTED, entry.counts, strict=True)))
        self.failed_by_code.update(entry.failed_by_code)
        self.to_sent.update(entry.to_sent)
        self.to_delivered.update(entry.to_delivered)


def answer(question: Question, entries: Iterable[tuple[Place, Entry]]) -> list[LiveStatistics]:
    """Return a row for each window and thing that has numbers, oldest window first."""
    sums: dict[tuple[int, str], _Sum] = {}
    for place, entry in entries:
        if question.asks_for(place):
            sums.setdefault((place.start, place.id), _Sum()).add(entry)
    return [_row(question, start, name, sums[start, name]) for start, name in sorted(sums)]


def _row(question: Question, start: int, name: str, numbers: _Sum) -> LiveStatistics:
    is_total = question.window is Window.TOTAL
    return LiveStatistics.model_validate(
        {
            "window_start": None if is_total else datetime.fromtimestamp(start, UTC),
            _FIELD_OF[question.by]: name,
            "counts": Reached.model_validate({each: numbers.counts[each] for each in COUNTED}),
            "failed_by_code": {code: n for code, n in numbers.failed_by_code.items() if n},
            "seconds_to_sent": _durations(numbers.to_sent),
            "seconds_to_delivered": _durations(numbers.to_delivered),
        }
    )


def _durations(buckets: Counter[int]) -> Durations:
    return Durations(
        p50=percentile(buckets, 0.50),
        p95=percentile(buckets, 0.95),
        p99=percentile(buckets, 0.99),
        count=buckets.total(),
    )
