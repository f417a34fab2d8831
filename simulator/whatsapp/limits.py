"""How fast a number may send, in all and to one user (section 2.5)."""

_SWEEP_EVERY = 20_000
_FLOAT_SLACK_S = 1e-6  # Unix seconds as floats are no finer


class RateBuckets:
    """Throughput per sending number: a token bucket that holds one second's worth."""

    def __init__(self) -> None:
        self._full_again_at: dict[str, float] = {}

    def take(self, sender: str, rate: float, now: float) -> bool:
        """Take one message off the bucket; false when it is empty. A rate of 0 has no limit."""
        if rate <= 0:
            return True
        full_again_at = max(self._full_again_at.get(sender, now), now) + 1 / rate
        if full_again_at - now > max(1.0, 1 / rate) + _FLOAT_SLACK_S:
            return False
        self._full_again_at[sender] = full_again_at
        return True


class PairLimits:
    """One message per 6 s to one user; a burst within 6 s is borrowed and paid back by waiting.

    With a burst of 45 and 20 messages at once, the next one is refused for 2 minutes.
    """

    def __init__(self) -> None:
        self._bursts: dict[tuple[str, str], tuple[float, int]] = {}
        self._sweep_at = _SWEEP_EVERY

    def take(self, pair: tuple[str, str], every_s: float, burst: int, now: float) -> bool:
        """Take one message to a user; false while the debt is unpaid. Every 0 s: no limit."""
        if every_s <= 0:
            return True
        began, count = self._bursts.get(pair, (0.0, 0))
        if now >= began + count * every_s:
            self._bursts[pair] = (now, 1)
            if len(self._bursts) > self._sweep_at:
                self._sweep(every_s, now)
            return True
        if now < began + every_s and count < burst:
            self._bursts[pair] = (began, count + 1)
            return True
        return False

    def _sweep(self, every_s: float, now: float) -> None:
        unpaid = {
            pair: (began, count)
            for pair, (began, count) in self._bursts.items()
            if now < began + count * every_s
        }
        self._bursts = unpaid
        self._sweep_at = len(unpaid) + _SWEEP_EVERY
