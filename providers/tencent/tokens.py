"""Access tokens of WeCom's and WeChat's apps: kept, and renewed by one at a time (IM-28, WX 14.1).

Both throttle whoever asks often, and WeCom blocks an address that repeats a wrong secret: so a
refusal is kept as well, and handed to everybody who asks until it is time to try again.
"""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Generic, Self, TypeVar

from providers.tencent.settings import CallingApp
from providers.tencent.shared_tokens import Account, Note, Refusal, SharedTokens
from runtime.errors import DatabaseAway

EARLY: Final = timedelta(minutes=5)
"""How long before its end a token is renewed. The provider may give the same one again, with less
and less time left; a quarter of that is then left unused."""
_EARLY_PART: Final = 0.25
FAILED_FOR: Final = timedelta(seconds=1)

App = TypeVar("App", bound=CallingApp)
"""What it is asked for with; hashable."""


class CallFailed(Exception, ABC):
    """A call did not work; ``why`` is a word or two for logs and metrics, never an address."""

    def __init__(self, why: str, holds: timedelta = FAILED_FOR) -> None:
        super().__init__(why)
        self.why = why
        self.holds = holds
        """How long whoever wants a token hears the same, without another call."""

    @property
    @abstractmethod
    def refusal(self) -> Refusal:
        """Return what other processes are told of it."""

    @classmethod
    @abstractmethod
    def heard(cls, refusal: Refusal) -> Self:
        """Return what another process, or nobody at the provider, said."""


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
    note: Note | None = field(default=None, repr=False)
    until: float = 0.0


class Tokens(Generic[App]):
    """The access tokens of this process, which it shares with the others where they can meet."""

    def __init__(
        self,
        place: str,
        get: Get[App],
        failure: type[CallFailed],
        shared: SharedTokens | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``place``: whose tokens they are, the provider's address. ``failure``: what is raised."""
        self._place = place
        self._get = get
        self._failure = failure
        self._shared = shared
        self._clock = clock
        self._kept: dict[App, _Kept] = {}

    async def of(self, app: App, *, but: str | None = None) -> str:
        """Return the app's token, any ``but`` the one that was refused. Raises `CallFailed`."""
        kept = self._kept.setdefault(app, _Kept())
        async with kept.lock:
            note = kept.note
            if note is None or note.token == but is not None or self._clock() >= kept.until:
                kept.note = None  # whoever asks is cancelled at times, and leaves nothing then
                note, lasts = await self._renewed(app, but)
                kept.note, kept.until = note, self._clock() + lasts.total_seconds()
        if note.refusal is not None:
            raise self._failure.heard(note.refusal)
        return note.token

    async def _renewed(self, app: App, but: str | None) -> tuple[Note, timedelta]:
        async def ask() -> tuple[Note, timedelta]:
            return await self._asked(app, but)

        if self._shared is None:
            return await ask()
        account = Account(self._place, app.account, app.secret)
        try:
            return await self._shared.renewed(account, but, ask)
        except DatabaseAway:
            return Note(refusal=Refusal("DatabaseAway")), FAILED_FOR

    async def _asked(self, app: App, but: str | None) -> tuple[Note, timedelta]:
        try:
            given = await self._get(app, but)
        except CallFailed as error:
            return Note(refusal=error.refusal), error.holds
        unused = min(EARLY, given.lives * _EARLY_PART)
        return Note(given.token), given.lives - unused
