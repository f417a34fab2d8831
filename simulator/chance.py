"""How a random choice is made so that concurrency cannot change it (principle 5, section 0)."""

from collections.abc import Sequence
from hashlib import blake2b
from math import exp, log
from statistics import NormalDist
from typing import TypeVar

Choice = TypeVar("Choice")

_STEPS = 1 << 64
_NORMAL = NormalDist()
_MEDIAN = log(1 / 3)  # half of all delays lie in the lower third of their span
_SPREAD = 0.6


class Chance:
    """Every choice about one message: a hash of seed, provider, message key and knob name.

    The same four give the same answer, whatever else happened before.
    """

    __slots__ = ("_base",)

    def __init__(self, seed: str, provider: str, key: str) -> None:
        self._base = blake2b(f"{seed}\0{provider}\0{key}\0".encode(), digest_size=8)

    def share(self, name: str) -> float:
        """Return a number in [0, 1) that belongs to this name alone."""
        hashed = self._base.copy()
        hashed.update(name.encode())
        return int.from_bytes(hashed.digest()) / _STEPS

    def happens(self, name: str, ratio: float) -> bool:
        """Say whether an event of this ratio (0 to 1) happens; 0 and 1 cost no hash."""
        return ratio > 0 and (ratio >= 1 or self.share(name) < ratio)

    def delay(self, name: str, span: tuple[float, float]) -> float:
        """Draw from a log-normal capped at both ends of the span (section 2.4), in its unit."""
        low, high = span
        if high <= low:
            return low
        drawn = _NORMAL.inv_cdf(min(max(self.share(name), 1e-9), 1 - 1e-9))
        return low + (high - low) * min(1.0, exp(_MEDIAN + _SPREAD * drawn))

    def digits(self, name: str, count: int) -> str:
        """Return this many decimal digits, the first one not 0."""
        number = int(self.share(name) * 9 * 10 ** min(count - 1, 17)) + 10 ** min(count - 1, 17)
        return str(number).ljust(count, "7")

    def pick(self, name: str, weighted: Sequence[tuple[Choice, float]]) -> Choice:
        """Choose one of the values by weight."""
        point = self.share(name) * sum(weight for _, weight in weighted)
        for value, weight in weighted:
            point -= weight
            if point < 0:
                return value
        return weighted[-1][0]
