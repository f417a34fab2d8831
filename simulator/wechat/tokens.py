"""The access tokens of the mini-program, of two kinds that know nothing of each other (WX 14.1)."""

from collections import deque
from hashlib import blake2b
from typing import NamedTuple

from simulator.clock import SimClock
from simulator.knobs import Knobs
from simulator.wechat.refusals import Refusal

LIVES_S = 7200
_RENEWED_EARLY_S = 300
_DAY_S = 86_400
_FORCED_A_DAY, _FORCED_APART_S = 20, 30
_WRONG_SECRET, _WRONG_APP, _QUOTA, _TOO_OFTEN = 40001, 40013, 45009, 45011
_REPLACED, _MISSING, _UNKNOWN, _EXPIRED = 40001, 41001, 40014, 42001


class Credentials(NamedTuple):
    """Who asks for a token."""

    app_id: str
    secret: str


class Tokens:
    """The newest token of each kind, and every one that was given before."""

    def __init__(self, credentials: Credentials | None, clock: SimClock) -> None:
        """Without credentials every secret is wrong."""
        self._credentials = credentials
        self._clock = clock
        self._began = clock.now()
        self._ends_at: dict[str, float] = {}
        """Every token ever given -> when it ends."""
        self._replaced: set[str] = set()
        self._stable = ""
        self._plain = ""
        self._forced: deque[float] = deque()

    def give_stable(
        self, asked: Credentials, knobs: Knobs, *, is_forced: bool
    ) -> tuple[str, int] | Refusal:
        """Return the same token until five minutes before its end, and the seconds it lives."""
        if refusal := self._refusal_of(asked):
            return refusal
        now = self._clock.now()
        if is_forced:
            if refusal := self._too_often_forced(now):
                return refusal
            self._forced.append(now)
            self._replaced.add(self._stable)
            self._stable = self._new(now, knobs)
        elif now >= self._told_end(self._stable, knobs) - _RENEWED_EARLY_S or self._is_over(now):
            self._stable = self._new(now, knobs)
        return self._stable, int(self._told_end(self._stable, knobs) - now)

    def give_plain(self, asked: Credentials, knobs: Knobs) -> tuple[str, int] | Refusal:
        """Return a new token; the one before it works no longer."""
        if refusal := self._refusal_of(asked):
            return refusal
        self._replaced.add(self._plain)
        self._plain = self._new(self._clock.now(), knobs)
        return self._plain, LIVES_S

    def refusal_of(self, token: str | None) -> Refusal | None:
        """Return why a call with this token is refused."""
        if not token:
            return Refusal(_MISSING)
        ends_at = self._ends_at.get(token)
        if ends_at is None:
            return Refusal(_UNKNOWN)
        if token in self._replaced:
            return Refusal(_REPLACED)
        return Refusal(_EXPIRED) if self._clock.now() >= ends_at else None

    @property
    def given(self) -> tuple[str, ...]:
        """Every token ever given."""
        return tuple(self._ends_at)

    def end(self) -> None:
        """End the stable token before its time."""
        self._ends_at[self._stable] = 0.0

    def spoil(self) -> None:
        """Let the stable token be refused, but go on giving it to whoever does not force."""
        self._replaced.add(self._stable)

    def _refusal_of(self, asked: Credentials) -> Refusal | None:
        known = self._credentials
        if known is not None and asked.app_id != known.app_id:
            return Refusal(_WRONG_APP)
        return None if asked == known else Refusal(_WRONG_SECRET)

    def _too_often_forced(self, now: float) -> Refusal | None:
        while self._forced and self._forced[0] <= now - _DAY_S:
            self._forced.popleft()
        if self._forced and now < self._forced[-1] + _FORCED_APART_S:
            return Refusal(_TOO_OFTEN)
        return Refusal(_QUOTA) if len(self._forced) >= _FORCED_A_DAY else None

    def _is_over(self, now: float) -> bool:
        return now >= self._ends_at.get(self._stable, 0.0)

    def _told_end(self, token: str, knobs: Knobs) -> float:
        return self._ends_at.get(token, 0.0) + min(knobs.wx_token_early, LIVES_S)

    def _new(self, now: float, knobs: Knobs) -> str:
        # With the moment: a sandbox started again must not give a token that it gave before.
        key = f"{self._credentials}{self._began}{len(self._ends_at)}".encode()
        token = blake2b(key, digest_size=64).hexdigest()
        self._ends_at[token] = now + max(0.0, LIVES_S - knobs.wx_token_early)
        return token
