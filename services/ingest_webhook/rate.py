"""Refuses a source's requests beyond its rate, before anything else is looked at."""

from collections.abc import Callable

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from runtime.http_errors import answer_of
from runtime.sources import Buckets, Network, source_of
from services.ingest_webhook.metrics import RATE_LIMITED
from services.ingest_webhook.refusals import TooMany


class RateLimited:
    """The application behind the limit. Everything counts, whatever the address or answer."""

    def __init__(
        self,
        app: ASGIApp,
        buckets: Buckets,
        trusted: tuple[Network, ...],
        clock: Callable[[], float],
    ) -> None:
        self._app = app
        self._buckets = buckets
        self._trusted = trusted
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 429; neither body nor broker is touched."""
        if scope["type"] == "http":
            wait = self._buckets.take(source_in(scope, self._trusted), self._clock())
            if wait is not None:
                RATE_LIMITED.inc()
                answer = await answer_of(Request(scope), TooMany(wait))
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)


def source_in(scope: Scope, trusted: tuple[Network, ...]) -> str:
    """Return the address that a request counts for."""
    client = scope["client"]
    host = None if client is None else client[0]
    if not trusted:
        return source_of(host, (), ())
    return source_of(host, _forwarded(scope), trusted)


def _forwarded(scope: Scope) -> list[str]:
    name = b"x-forwarded-for"
    return [value.decode("latin-1") for header, value in scope["headers"] if header == name]
