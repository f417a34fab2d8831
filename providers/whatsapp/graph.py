"""Calls the Graph API: one call, its answer or why there is none. The token goes nowhere else."""

import asyncio
from collections.abc import Awaitable, Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Final
from urllib.parse import quote

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from domain.failures import Failure
from providers.outbound import NEVER_OPENED
from providers.uploads import StoredFile
from providers.whatsapp.answers import network_error
from providers.whatsapp.settings import WhatsAppApiSettings

KEEPALIVE: Final = timedelta(seconds=30)

_ADDRESSES: Final = 10_000
"""Of senders, kept parsed."""


class Unanswered(Exception):
    """No answer came; ``failure`` says why."""

    def __init__(self, failure: Failure, *, was_sent: bool) -> None:
        super().__init__(failure.detail)
        self.failure = failure
        self.was_sent = was_sent
        """Whether the API may have got the call."""


class GraphApi:
    """The API under one access token."""

    def __init__(self, settings: WhatsAppApiSettings) -> None:
        self._base = settings.whatsapp_api_base_url
        limits = httpx.Limits(
            max_connections=settings.whatsapp_connections,
            keepalive_expiry=KEEPALIVE.total_seconds(),
        )
        self._answer_within = settings.whatsapp_answer_within.total_seconds()
        self._connect_within = settings.whatsapp_connect_within.total_seconds()
        token = f"Bearer {settings.whatsapp_access_token.get_secret_value()}"
        timeout = self._timeout(self._answer_within)
        self._transport = AiohttpTransport(limits=limits)
        self._client = httpx.AsyncClient(
            transport=self._transport,
            timeout=timeout,
            headers={"Authorization": token},
            follow_redirects=False,  # the token goes to the configured host and nowhere else
        )
        self._posted = httpx.Headers({"Authorization": token, "Content-Type": "application/json"})
        self._within = {"timeout": timeout.as_dict()}
        self._parsed = lru_cache(_ADDRESSES)(lambda *parts: httpx.URL(self._url(*parts)))

    async def post(
        self, object_id: str, edge: str, body: bytes, *, until: float | None = None
    ) -> httpx.Response:
        """Post JSON; ``until``: the loop's time after which the answer is not waited for.

        Raises `Unanswered`.
        """
        request = httpx.Request(
            "POST",
            self._parsed(object_id, edge),
            headers=self._posted,
            content=body,
            extensions=self._within,
        )
        return await self._answer(self._carried(request), until)

    async def get(self, object_id: str, edge: str, query: Mapping[str, str]) -> httpx.Response:
        """Ask. Raises `Unanswered`."""
        called = self._client.get(self._url(object_id, edge), params=dict(query))
        return await self._answer(called, None)

    async def upload(
        self, object_id: str, file: StoredFile, mime_type: str, *, within: timedelta
    ) -> httpx.Response:
        """Post a file as a form (WA 5). Raises `Unanswered`."""
        seconds = within.total_seconds()
        called = self._client.post(
            self._url(object_id, "media"),
            data={"messaging_product": "whatsapp", "type": mime_type},
            files={"file": (file.name, file.data, mime_type)},
            timeout=self._timeout(seconds),
        )
        return await self._answer(called, asyncio.get_running_loop().time() + seconds)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _carried(self, request: httpx.Request) -> httpx.Response:
        """Hand a request to the transport; the client around it takes as long as the wire.

        What the client adds (cookies, redirects, schemes of log-in) no call of this API has.
        """
        response = await self._transport.handle_async_request(request)
        try:
            await response.aread()
        except BaseException:
            await response.aclose()  # half read, the connection is of no use to the next call
            raise
        return response

    async def _answer(
        self, called: Awaitable[httpx.Response], until: float | None
    ) -> httpx.Response:
        if until is None:
            until = asyncio.get_running_loop().time() + self._answer_within
        try:
            async with asyncio.timeout_at(until):
                return await called
        except httpx.HTTPError as error:
            cause = error.__cause__ or error
            was_sent = not isinstance(cause, NEVER_OPENED)
            raise Unanswered(network_error(type(cause).__name__), was_sent=was_sent) from error
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise Unanswered(network_error(type(error).__name__), was_sent=True) from error

    def _timeout(self, seconds: float) -> httpx.Timeout:
        return httpx.Timeout(seconds, connect=min(self._connect_within, seconds), pool=seconds)

    def _url(self, object_id: str, edge: str) -> str:
        # Quoted: who asks for a send chooses the sender, and no other call of the API with it.
        return f"{self._base}/{quote(object_id, safe='')}/{edge}"
