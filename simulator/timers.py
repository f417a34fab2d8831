"""Everything that is due later, in one heap with one alarm (section 1, row Callbacks)."""

import asyncio
from collections.abc import Callable
from heapq import heappop, heappush

from simulator.clock import SimClock

Action = Callable[[], None]

# Waking more often than this would cost more than the accuracy is worth.
_SHORTEST_WAIT_S = 0.001


class Timers:
    """A heap of (simulated moment, action); actions of one moment run in the order given."""

    def __init__(self, clock: SimClock) -> None:
        self._clock = clock
        self._heap: list[tuple[float, int, Action]] = []
        self._count = 0
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = float("inf")

    def __len__(self) -> int:
        return len(self._heap)

    def at(self, moment: float, action: Action) -> None:
        """Run the action once the simulated clock reaches the moment."""
        self._count += 1
        heappush(self._heap, (moment, self._count, action))
        if moment < self._alarm_at:
            self.rearm()

    def rearm(self) -> None:
        """Set the alarm for the earliest action; to be called when the clock's pace changed."""
        self.stop()
        if not self._heap:
            return
        wait = self._clock.real_seconds_until(self._heap[0][0])
        if wait is None:
            return
        self._alarm_at = self._heap[0][0]
        loop = asyncio.get_running_loop()
        self._alarm = loop.call_later(max(wait, _SHORTEST_WAIT_S), self.run_due)

    def run_due(self) -> None:
        """Run what is due now, in the order of its moments."""
        heap = self._heap
        # No alarm while we run: the actions add new timers, one alarm after them is enough.
        self._alarm_at = float("-inf")
        try:
            now = self._clock.now()
            while heap and heap[0][0] <= now:
                heappop(heap)[2]()
        finally:
            self.rearm()

    def clear(self) -> None:
        """Forget everything that was due."""
        self._heap.clear()
        self.stop()

    def stop(self) -> None:
        """Switch the alarm off."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        self._alarm_at = float("inf")
