"""Calls the Graph API: one call, its answer or why there is none. The token goes nowhere else."""

import asyncio
from collections.abc import Awaitable, Mapping
from datetime import timedelta
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

_JSON: Final = {"Content-Type": "application/json"}


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
        self._client = httpx.AsyncClient(
            transport=AiohttpTransport(limits=limits),
            timeout=self._timeout(self._answer_within),
            headers={
                "Authorization": f"Bearer {settings.whatsapp_access_token.get_secret_value()}"
            },
            follow_redirects=False,  # the token goes to the configured host and nowhere else
        )

    async def post(
        self, object_id: str, edge: str, body: bytes, *, until: float | None = None
    ) -> httpx.Response:
        """Post JSON; ``until``: the loop's time after which the answer is not waited for.

        Raises `Unanswered`.
        """
        called = self._client.post(self._url(object_id, edge), content=body, headers=_JSON)
        return await self._answer(called, until)

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
