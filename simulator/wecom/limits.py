"""How often WeCom may be called, and a member written to (WX 5, 6, 12)."""

from collections import deque
from dataclasses import dataclass, field

MINUTE_S, HOUR_S = 60, 3600


class Window:
    """How much of something there was within the last so many seconds."""

    def __init__(self, span_s: float) -> None:
        self._span_s = span_s
        self._noted: deque[tuple[float, int]] = deque()
        self._count = 0

    def count(self, now: float) -> int:
        """Return how much it is."""
        while self._noted and self._noted[0][0] <= now - self._span_s:
            self._count -= self._noted.popleft()[1]
        return self._count

    def note(self, now: float, count: int = 1) -> None:
        """Add to it."""
        self._noted.append((now, count))
        self._count += count


@dataclass(slots=True)
class _Minute:
    began_at: float
    calls: int = 0
    blocked_until: float = 0.0


@dataclass(slots=True)
class Frequencies:
    """Base limit of each call's name: 10,000 a minute, then none for 60 s (WX 12)."""

    most: int = 10_000
    _minutes: dict[str, _Minute] = field(default_factory=dict[str, _Minute])

    def is_over(self, name: str, now: float) -> bool:
        """Count a call; say whether it is one too many."""
        minute = self._minutes.get(name)
        if minute is None or now >= minute.began_at + MINUTE_S:
            blocked_until = minute.blocked_until if minute else 0.0
            minute = self._minutes[name] = _Minute(now, blocked_until=blocked_until)
        minute.calls += 1
        if now >= minute.blocked_until and minute.calls > self.most:
            minute.blocked_until = now + MINUTE_S
        return now < minute.blocked_until


class MemberLimits:
    """How many messages reach one member: so many a minute, so many a longer span."""

    def __init__(self, *limits: tuple[int, float]) -> None:
        self._limits = limits
        self._windows: dict[str, tuple[Window, ...]] = {}

    def takes(self, member: str, now: float) -> bool:
        """Count a message; false when it is above a limit."""
        windows = self._windows.get(member)
        if windows is None:
            windows = tuple(Window(span_s) for _, span_s in self._limits)
            self._windows[member] = windows
        found = zip(self._limits, windows, strict=True)
        if any(window.count(now) >= most for (most, _), window in found):
            return False
        for window in windows:
            window.note(now)
        return True
