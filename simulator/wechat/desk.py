"""How many customer-service messages a user may be sent, and until when (WX 14.3)."""

from dataclasses import dataclass

from simulator.clock import SimClock
from simulator.wechat.refusals import Refusal

_CLOSED, _USED_UP = 45015, 45047


@dataclass(slots=True)
class _Window:
    until: float
    left: int


class Desk:
    """Windows that users open by what they do."""

    def __init__(self, clock: SimClock) -> None:
        self._clock = clock
        self._windows: dict[str, _Window] = {}

    def wrote(self, openid: str) -> None:
        """Open the window of a user who wrote: 5 messages within 48 hours."""
        self._open(openid, 5, 48 * 3600)

    def acted(self, openid: str) -> None:
        """Open that of one who followed, scanned or pressed a menu: 3 within a minute."""
        if self.refusal_of(openid) is not None:
            self._open(openid, 3, 60)

    def refusal_of(self, openid: str) -> Refusal | None:
        """Return why no message may be sent to a user now."""
        window = self._windows.get(openid)
        if window is None or self._clock.now() >= window.until:
            return Refusal(_CLOSED)
        return Refusal(_USED_UP) if window.left == 0 else None

    def use(self, openid: str) -> None:
        """Count a message."""
        self._windows[openid].left -= 1

    def _open(self, openid: str, messages: int, lasts_s: float) -> None:
        self._windows[openid] = _Window(self._clock.now() + lasts_s, messages)
