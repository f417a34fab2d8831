"""Calls WeCom's API (WX 1). The access token stands in the address of each call.

So no address and no exception of a library, which may quote it, leaves this module: what did not
work is a `CallFailed` of our own words.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Final

import aiohttp
import httpx
import msgspec
from httpx_aiohttp import AiohttpTransport

from providers.outbound import times
from providers.tencent.tokens import Given, Tokens
from providers.wecom.api_settings import WecomApiSettings, WecomApp
from providers.wecom.failures import Kind
from providers.wecom.tokens import CallFailed

LARGEST_ANSWER: Final = 16 * 1_024 * 1_024
"""Bytes of an answer that is no file; a page of a thousand messages has some 2 MB."""
_CONNECTIONS: Final = 16


class _Code(msgspec.Struct):
    errcode: int = 0


class _Token(msgspec.Struct):
    access_token: Annotated[str, msgspec.Meta(min_length=1)]
    expires_in: Annotated[int, msgspec.Meta(ge=1, le=86_400)]


class WecomApi:
    """The calls of all apps in the settings."""

    def __init__(self, settings: WecomApiSettings) -> None:
        self._base = f"{settings.wecom_api_base_url.rstrip('/')}/cgi-bin"
        self._tokens = Tokens(self._get_token)
        self._client = httpx.AsyncClient(
            transport=AiohttpTransport(limits=httpx.Limits(max_connections=_CONNECTIONS)),
            timeout=times(settings.wecom_connect_within, settings.wecom_silent_for),
            follow_redirects=False,  # it would carry the token along
        )

    async def post(self, app: WecomApp, name: str, body: Mapping[str, object]) -> bytes:
        """Call as that app and return the answer's JSON. Raises `CallFailed`."""
        # Not escaped: WeCom refuses ``\uxxxx`` (40033), which this encoder never writes.
        content = msgspec.json.encode(body)
        async with self._called(app, "POST", name, {}, content) as response:
            answer = await _all_of(response)
            _check(answer)
            return answer

    @asynccontextmanager
    async def download(
        self, app: WecomApp, name: str, query: Mapping[str, str]
    ) -> AsyncGenerator[httpx.Response]:
        """Call as that app and hand out the answer, whose bytes are still to come."""
        async with self._called(app, "GET", name, query, None) as response:
            yield response

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    @asynccontextmanager
    async def _called(
        self,
        app: WecomApp,
        method: str,
        name: str,
        query: Mapping[str, str],
        content: bytes | None,
    ) -> AsyncGenerator[httpx.Response]:
        """Call; where the access token has ended, once more with a new one (40014, 42001)."""
        token = await self._tokens.of(app)
        response = await self._send(method, name, {**query, "access_token": token}, content)
        try:
            try:
                await _look_into(response)
            except CallFailed as error:
                if error.kind is not Kind.ACCESS_TOKEN:
                    raise
                await response.aclose()
                token = await self._tokens.of(app, but=token)
                response = await self._send(method, name, {**query, "access_token": token}, content)
                await _look_into(response)
            yield response
        finally:
            await response.aclose()

    async def _get_token(self, app: WecomApp, _: str | None) -> Given:
        query = {"corpid": app.corp_id, "corpsecret": app.secret.get_secret_value()}
        response = await self._send("GET", "gettoken", query, None)
        try:
            await _look_into(response)
            answer = await _all_of(response)
        finally:
            await response.aclose()
        try:
            told = msgspec.json.decode(answer, type=_Token)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise CallFailed("token unreadable") from None
        return Given(told.access_token, timedelta(seconds=told.expires_in))

    async def _send(
        self, method: str, name: str, query: Mapping[str, str], content: bytes | None
    ) -> httpx.Response:
        # Compressed, a small answer could become a very large one.
        headers = {"Accept-Encoding": "identity"}
        if content is not None:
            headers["Content-Type"] = "application/json; charset=utf-8"
        request = self._client.build_request(
            method, f"{self._base}/{name}", params=dict(query), content=content, headers=headers
        )
        with _failures_named():
            return await self._client.send(request, stream=True)


async def chunks_of(response: httpx.Response) -> AsyncIterator[bytes]:
    """Yield an answer's bytes as they come. Raises `CallFailed` where the connection breaks."""
    with _failures_named():
        async for chunk in response.aiter_raw():
            yield chunk


def is_file(response: httpx.Response) -> bool:
    """Tell a file from a refusal: both come with 200, but only a file has a disposition."""
    return "content-disposition" in response.headers


async def _look_into(response: httpx.Response) -> None:
    """Raise `CallFailed` where it is a refusal; what is no file is then in memory."""
    if response.status_code != HTTPStatus.OK:
        raise CallFailed(f"HTTP {response.status_code}")
    if not is_file(response):
        _check(await _all_of(response))


async def _all_of(response: httpx.Response) -> bytes:
    if "whole" not in response.extensions:
        whole = bytearray()
        async for chunk in chunks_of(response):
            whole += chunk
            if len(whole) > LARGEST_ANSWER:
                raise CallFailed("answer too large")
        response.extensions["whole"] = bytes(whole)
    return response.extensions["whole"]


def _check(answer: bytes) -> None:
    try:
        code = msgspec.json.decode(answer, type=_Code).errcode
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise CallFailed("answer unreadable") from None
    if code != 0:
        raise CallFailed(f"error {code}", code)


@contextmanager
def _failures_named() -> Generator[None]:
    try:
        yield
    except (httpx.HTTPError, aiohttp.ClientError, TimeoutError, OSError) as error:
        # From None: the error may quote the address, and so the token.
        raise CallFailed(type(error.__cause__ or error).__name__) from None
