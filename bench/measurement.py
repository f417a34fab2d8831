"""What a benchmark returns, and how several readings become one."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

DIGITS = 4
"""Significant digits: a benchmark on a shared machine knows no more."""


class BenchError(Exception):
    """A benchmark could not be finished; the message is one line."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One figure, and what the machine itself allowed in the same run."""

    name: str
    value: float
    unit: str
    raw_limit: float | None = None
    """The same quantity of the bare loop without our code; None where there is no such thing."""

    @property
    def ratio(self) -> float | None:
        """The value as a multiple of the raw limit: what may be compared between machines."""
        return None if not self.raw_limit else self.value / self.raw_limit

    @classmethod
    def of_json(cls, told: Mapping[str, Any]) -> Self:
        """Return what `as_json` told of."""
        return cls(told["name"], told["value"], told["unit"], told["raw_limit"])

    def as_json(self) -> dict[str, str | float | None]:
        """Return the measurement as docs/benchmarks.json holds it."""
        return {
            "name": self.name,
            "value": rounded(self.value),
            "unit": self.unit,
            "raw_limit": None if self.raw_limit is None else rounded(self.raw_limit),
            "ratio": None if self.ratio is None else rounded(self.ratio),
        }


def rounded(value: float) -> float:
    """Return the value with the digits that mean something.

    >>> rounded(1234.5678), rounded(0.00123456)
    (1235.0, 0.001235)
    """
    return float(f"{value:.{DIGITS}g}")


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that the given share of the values does not exceed.

    >>> percentile([4.0, 1.0, 3.0, 2.0], 0.5)
    2.0
    """
    ordered = sorted(values)
    return ordered[max(0, round(share * len(ordered)) - 1)]


@dataclass(frozen=True, slots=True)
class Reading:
    """One pass of a loop."""

    count: int
    """How many things it did."""
    seconds: float
    cpu_seconds: float = 0.0
    """Of the process under test."""

    @property
    def per_second(self) -> float:
        """How many it did a second."""
        return self.count / self.seconds

    @property
    def cpu_ms_each(self) -> float:
        """Milliseconds of processor time for each."""
        return self.cpu_seconds * 1_000 / self.count


@dataclass(frozen=True, slots=True)
class Pair:
    """Readings of our code and of the bare loop, taken in turns so that both met the same noise."""

    ours: Sequence[Reading]
    bare: Sequence[Reading]

    def rate(self, name: str, unit: str) -> Measurement:
        """Return the median rates."""
        return self._median(name, unit, lambda reading: reading.per_second)

    def cpu(self, name: str) -> Measurement:
        """Return the medians of the processor time of each."""
        return self._median(name, "ms", lambda reading: reading.cpu_ms_each)

    def _median(self, name: str, unit: str, of: Callable[[Reading], float]) -> Measurement:
        ours, bare = (statistics.median(map(of, side)) for side in (self.ours, self.bare))
        return Measurement(name, ours, unit, bare)


def in_turns(repeats: int, ours: Callable[[int], Reading], bare: Callable[[int], Reading]) -> Pair:
    """Run both in turns; each is told which repetition it is.

    Before that the bare loop runs once for nothing: whoever comes first meets everything cold.
    """
    bare(repeats)
    taken = [(bare(number), ours(number)) for number in range(repeats)]
    return Pair([reading for _, reading in taken], [reading for reading, _ in taken])
