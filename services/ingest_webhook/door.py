"""What every callback has to pass, whichever channel it is of (architecture, promise 9)."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from fastapi import Request
from starlette.requests import ClientDisconnect

from runtime.http import raw_body
from services.ingest_webhook.account import Told, accounted
from services.ingest_webhook.admission import Admission
from services.ingest_webhook.refusals import NotArrived, TooLarge

Take = Callable[[bytes], Awaitable[Told]]
"""Checks a whole body's signature and returns what it said once the broker has it."""

Look = Callable[[Request], Take]
"""Looks at a request's head; raises `Forbidden` where the body need not be read at all."""


@dataclass(frozen=True, slots=True)
class Door:
    """The one way in; a route of any channel hands it the request and its `Look`."""

    admission: Admission
    body_bytes: int
    body_within: timedelta

    async def receive(self, request: Request, look: Look) -> Told:
        """Return what the callback said; what it came to is counted and logged."""
        with accounted() as account:
            take = look(request)
            with self.admission.admitted(_announced_bytes(request, self.body_bytes)):
                body = await self._body(request)
                account.told = await take(body)
                return account.told

    async def _body(self, request: Request) -> bytes:
        try:
            async with asyncio.timeout(self.body_within.total_seconds()):
                body = await raw_body(request, limit=self.body_bytes)
        except (TimeoutError, ClientDisconnect) as error:
            raise NotArrived from error
        if body is None:
            raise TooLarge(self.body_bytes)
        return body


def _announced_bytes(request: Request, limit: int) -> int:
    """Return how many bytes may come; a body sent in chunks does not say."""
    announced = request.headers.get("content-length")
    if announced is None:
        return limit
    if int(announced) > limit:
        raise TooLarge(limit)
    return int(announced)
