"""The access token of the app: given out, kept, ended (WX 1; simulator-behaviour 4.1)."""

from collections import deque
from hashlib import blake2b

from simulator.clock import SimClock
from simulator.knobs import Knobs

LIVES_S = 7200
_MINUTE_S, _HOUR_S = 60, 3600
_CALLS_A_MINUTE, _CALLS_IN_A_STORM = 20, 5
_WRONG_SECRETS = 5
_WRONG_SECRET, _WRONG_COMPANY, _TOO_OFTEN = 40001, 40013, 45009
_MISSING, _UNKNOWN, _EXPIRED = 41001, 40014, 42001


class Tokens:
    """One token at a time; the same is given out again while it lives."""

    def __init__(self, corp_id: str, secret: str | None, clock: SimClock) -> None:
        self._corp_id = corp_id
        self._secret = secret
        self._clock = clock
        self._began = clock.now()
        self._given: dict[str, float] = {}
        """Every token ever given -> when it ends."""
        self._current = ""
        self._calls: deque[float] = deque()
        self._wrong = 0
        self._blocked_until = 0.0

    def give(self, corp_id: str, secret: str, knobs: Knobs) -> tuple[str, int] | int:
        """Return the token and the seconds it says it lives, or the code of the refusal."""
        now = self._clock.now()
        if refusal := self._too_often(now, knobs):
            return refusal
        if corp_id != self._corp_id:
            return _WRONG_COMPANY
        if secret != self._secret:
            self._wrong += 1
            if self._wrong >= _WRONG_SECRETS:
                self._wrong = 0
                self._blocked_until = now + _HOUR_S
            return _WRONG_SECRET
        if now >= self._given.get(self._current, 0.0):
            key = f"{self._secret}{self._began}{len(self._given)}".encode()
            self._current = blake2b(key, digest_size=48).hexdigest()
            self._given[self._current] = now + max(0.0, LIVES_S - knobs.wx_token_early)
        told = self._given[self._current] + min(knobs.wx_token_early, LIVES_S) - now
        return self._current, int(told)

    def refusal_of(self, token: str | None) -> int:
        """Return why a call with this token is refused; 0: it is not."""
        if not token:
            return _MISSING
        ends_at = self._given.get(token)
        if ends_at is None:
            return _UNKNOWN
        return _EXPIRED if self._clock.now() >= ends_at else 0

    def is_replaced(self, token: str | None) -> bool:
        """Say whether a younger token has been given out since."""
        return token in self._given and token != self._current

    def end(self) -> None:
        """End the current token before its time."""
        self._given[self._current] = 0.0

    def _too_often(self, now: float, knobs: Knobs) -> int:
        self._calls.append(now)
        while self._calls[0] <= now - _MINUTE_S:
            self._calls.popleft()
        most = _CALLS_IN_A_STORM if knobs.wx_token_storm else _CALLS_A_MINUTE
        is_refused = now < self._blocked_until or len(self._calls) > most
        return _TOO_OFTEN if is_refused else 0
