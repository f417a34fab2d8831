"""What every callback has to pass, whichever channel it is of (architecture, promise 9)."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from time import perf_counter
from typing import Final, TypeVar

from fastapi import Request
from starlette.requests import ClientDisconnect

from runtime.http import raw_body
from services.ingest_webhook import account
from services.ingest_webhook.account import Told
from services.ingest_webhook.admission import Admission, Visit
from services.ingest_webhook.refusals import Encoded, NotArrived, TooLarge

T = TypeVar("T", bound=Told)

Take = Callable[[bytes], Awaitable[Told]]
"""Checks a whole body's signature and returns what it said once the broker has it."""

Look = Callable[[Request], Take]
"""Looks at a request's head; raises `Forbidden` where the body need not be read at all."""

_PLAIN: Final = ("", "identity")


@dataclass(frozen=True, slots=True)
class Door:
    """The one way in; a route of any channel hands it the request and its `Look`."""

    admission: Admission
    body_bytes: int
    body_within: timedelta

    def narrowed(self, body_bytes: int) -> "Door":
        """Return the same door, with the same places, for smaller bodies."""
        return replace(self, body_bytes=min(self.body_bytes, body_bytes))

    async def receive(
        self, request: Request, look: Callable[[Request], Callable[[bytes], Awaitable[T]]]
    ) -> T:
        """Return what the callback said; what it came to is counted and logged."""
        began = perf_counter()
        visit = Visit(self.admission)
        try:
            take = look(request)
            body = await self._body(request, visit)
            visit.begin_work()
            told = await take(body)
        except BaseException as error:
            account.refused(error, perf_counter() - began)
            raise
        finally:
            visit.end()
        account.taken_in(told, perf_counter() - began)
        return told

    async def _body(self, request: Request, visit: Visit) -> bytes:
        self._check_head(request)
        try:
            async with asyncio.timeout(self.body_within.total_seconds()) as deadline:
                visit.begin_arrival(deadline)
                body = await raw_body(request, limit=self.body_bytes, arrived=visit.arrived)
        except (TimeoutError, ClientDisconnect) as error:
            raise NotArrived from error
        if body is None:
            raise TooLarge(self.body_bytes)
        return body

    def _check_head(self, request: Request) -> None:
        headers = request.headers
        if headers.get("content-encoding", "").lower() not in _PLAIN:
            raise Encoded
        # A body sent in chunks does not say how large it is.
        if int(headers.get("content-length", 0)) > self.body_bytes:
            raise TooLarge(self.body_bytes)
