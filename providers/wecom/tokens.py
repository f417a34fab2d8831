"""Access tokens of WeCom's apps: kept while they live, renewed by one at a time (IM-28, WX 1).

WeCom throttles whoever asks often, and blocks an address that repeats a wrong secret: so a refusal
is kept as well, and handed to everybody who asks until it is time to try again.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from providers.wecom.api_settings import WecomApp
from providers.wecom.failures import Kind, kind_of, pause_of

EARLY: Final = timedelta(minutes=5)
"""How long before its end a token is renewed. WeCom may give the same one again, with less and less
time left; a quarter of that is then left unused."""
_EARLY_PART: Final = 0.25
_REFUSED_FOR: Final = {
    Kind.CONFIGURATION: timedelta(minutes=15),
    Kind.PERMANENT: timedelta(minutes=15),
}
"""Five wrong secrets in a row block our address for an hour."""
_FAILED_FOR: Final = timedelta(seconds=1)


class CallFailed(Exception):
    """A call did not work; ``why`` is a word or two for logs and metrics, never an address."""

    def __init__(
        self,
        why: str,
        code: int | None = None,
        *,
        status: int | None = None,
        text: str | None = None,
        in_doubt: bool = False,
    ) -> None:
        super().__init__(why)
        self.why = why
        self.code = code
        """WeCom's ``errcode``; None where it was not WeCom that spoke."""
        self.status = status
        """Of HTTP, where that is all there is: an answer of something in between."""
        self.text = text
        """WeCom's words beside the code."""
        self.in_doubt = in_doubt
        """Whether WeCom may have done what it was asked to."""

    @property
    def kind(self) -> Kind:
        """What follows for who asks for something."""
        return Kind.RETRYABLE if self.code is None else kind_of(self.code)

    @property
    def retry_after(self) -> timedelta | None:
        """How long WeCom wants to be left alone, where it is known."""
        return None if self.code is None else pause_of(self.code)


@dataclass(frozen=True, slots=True)
class Given:
    """What ``gettoken`` answers."""

    token: str = field(repr=False)
    lives: timedelta


@dataclass(slots=True)
class _Kept:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    token: str | None = field(default=None, repr=False)
    refusal: CallFailed | None = None
    until: float = 0.0
    """Until when the one or the other holds."""


class Tokens:
    """The access tokens of this process."""

    def __init__(
        self,
        get: Callable[[WecomApp], Awaitable[Given]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._get = get
        self._clock = clock
        self._kept: dict[WecomApp, _Kept] = {}

    async def of(self, app: WecomApp, *, but: str | None = None) -> str:
        """Return the app's token, any ``but`` the one that WeCom refused. Raises `CallFailed`."""
        kept = self._kept.setdefault(app, _Kept())
        async with kept.lock:
            fits = kept.token is not None and kept.token != but
            if self._clock() >= kept.until or (kept.refusal is None and not fits):
                await self._renew(app, kept)
            if kept.token is None:
                # A new one each time: an exception keeps the traces of all who raised it.
                raise _again(kept.refusal)
            return kept.token

    async def _renew(self, app: WecomApp, kept: _Kept) -> None:
        kept.token, kept.refusal, kept.until = None, None, 0.0
        try:
            given = await self._get(app)
        except CallFailed as error:
            pause = error.retry_after or _REFUSED_FOR.get(error.kind, _FAILED_FOR)
            kept.refusal, kept.until = _again(error), self._clock() + pause.total_seconds()
        else:
            unused = min(EARLY, given.lives * _EARLY_PART)
            kept.token = given.token
            kept.until = self._clock() + (given.lives - unused).total_seconds()


def _again(error: CallFailed | None) -> CallFailed:
    # Never in doubt: what the token was wanted for has not been asked.
    if error is None:
        return CallFailed("no access token")
    return CallFailed(error.why, error.code, status=error.status, text=error.text)
