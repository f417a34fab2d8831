"""Access tokens of WeCom's and WeChat's apps: kept, and renewed by one at a time (IM-28, WX 14.1).

Both throttle whoever asks often, and WeCom blocks an address that repeats a wrong secret: so a
refusal is kept as well, and handed to everybody who asks until it is time to try again.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Generic, Self, TypeVar

EARLY: Final = timedelta(minutes=5)
"""How long before its end a token is renewed. The provider may give the same one again, with less
and less time left; a quarter of that is then left unused."""
_EARLY_PART: Final = 0.25
FAILED_FOR: Final = timedelta(seconds=1)

App = TypeVar("App")
"""What it is asked for with; hashable."""


class CallFailed(Exception):
    """A call did not work; ``why`` is a word or two for logs and metrics, never an address."""

    def __init__(self, why: str, holds: timedelta = FAILED_FOR) -> None:
        super().__init__(why)
        self.why = why
        self.holds = holds
        """How long whoever wants a token hears the same, without another call."""

    def again(self) -> Self:
        """Return a new one that says the same; each keeps the traces of whoever raised it."""
        another = type(self).__new__(type(self), *self.args)
        another.__dict__.update(self.__dict__)
        return another


@dataclass(frozen=True, slots=True)
class Given:
    """What the call for a token answers."""

    token: str = field(repr=False)
    lives: timedelta


Get = Callable[[App, str | None], Awaitable[Given]]
"""Asks for an app's token; with one that the provider refused, for any but that. Raises
`CallFailed`."""


@dataclass(slots=True)
class _Kept:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    held: str | CallFailed | None = field(default=None, repr=False)
    """The token, or why there is none."""
    until: float = 0.0


class Tokens(Generic[App]):
    """The access tokens of this process."""

    def __init__(self, get: Get[App], clock: Callable[[], float] = time.monotonic) -> None:
        self._get = get
        self._clock = clock
        self._kept: dict[App, _Kept] = {}

    async def of(self, app: App, *, but: str | None = None) -> str:
        """Return the app's token, any ``but`` the one that was refused. Raises `CallFailed`."""
        kept = self._kept.setdefault(app, _Kept())
        async with kept.lock:
            held = kept.held
            if held is None or held == but or self._clock() >= kept.until:
                held = await self._renewed(app, but, kept)
            if isinstance(held, CallFailed):
                raise held.again()
            return held

    async def _renewed(self, app: App, but: str | None, kept: _Kept) -> str | CallFailed:
        kept.held = None  # whoever asks is cancelled at times, and leaves nothing then
        try:
            given = await self._get(app, but)
        except CallFailed as error:
            kept.held, lasts = error.again(), error.holds
        else:
            unused = min(EARLY, given.lives * _EARLY_PART)
            kept.held, lasts = given.token, given.lives - unused
        kept.until = self._clock() + lasts.total_seconds()
        return kept.held
