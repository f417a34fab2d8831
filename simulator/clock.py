"""What time it is in the simulated world: scaled, paused or moved by hand (principle 7)."""

import time


class SimClock:
    """Unix seconds of the simulated world; starts at the wall clock's time."""

    def __init__(self, scale: float = 1.0) -> None:
        self._scale = scale
        self._simulated = time.time()
        self._real = time.monotonic()

    @property
    def scale(self) -> float:
        """Simulated seconds a real second; 0 while paused."""
        return self._scale

    def now(self) -> float:
        """Return the simulated moment, Unix seconds."""
        return self._simulated + (time.monotonic() - self._real) * self._scale

    def run_at(self, scale: float) -> None:
        """Go on from this moment at another pace; 0 pauses."""
        self._simulated = self.now()
        self._real = time.monotonic()
        self._scale = scale

    def advance(self, seconds: float) -> None:
        """Jump forward."""
        self._simulated += seconds

    def real_seconds_until(self, moment: float) -> float | None:
        """Return the real wait until a simulated moment; none while paused."""
        wait = moment - self.now()
        if wait <= 0:
            return 0.0
        return wait / self._scale if self._scale > 0 else None
