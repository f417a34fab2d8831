"""How often each call may be made a day (WX 14.5: 45009)."""

from collections import Counter

from simulator.clock import SimClock

_DAY_S = 86_400
_EAST_OF_LONDON_S = 8 * 3600
"""WeChat's day begins at midnight in China."""


class Quota:
    """Calls since midnight, by their names."""

    def __init__(self, clock: SimClock) -> None:
        self._clock = clock
        self._day = 0
        self._made: Counter[str] = Counter()

    def has_room(self, name: str, most: int) -> bool:
        """Count a call and say whether it is within the day's; most 0: without end."""
        day = int(self._clock.now() + _EAST_OF_LONDON_S) // _DAY_S
        if day != self._day:
            self._day = day
            self._made.clear()
        self._made[name] += 1
        return most == 0 or self._made[name] <= most
