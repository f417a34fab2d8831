"""Calls WeCom's API (WX 1). The access token, or a robot's key, stands in the address of each call.

So no address and no exception of a library, which may quote it, leaves this module: what did not
work is a `CallFailed` of our own words.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Final

import aiohttp
import httpx
import msgspec
from httpx_aiohttp import AiohttpTransport

from providers.outbound import NEVER_OPENED, times
from providers.tencent.shared_tokens import SharedTokens
from providers.tencent.tokens import Given, Tokens
from providers.wecom.api_settings import WecomApiSettings, WecomApp, WecomRobot
from providers.wecom.failures import Kind, may_pass
from providers.wecom.forms import Form
from providers.wecom.tokens import CallFailed

LARGEST_ANSWER: Final = 16 * 1_024 * 1_024
"""Bytes of an answer that is no file; a page of a thousand messages has some 2 MB."""
_JSON: Final = "application/json; charset=utf-8"


@dataclass(slots=True)
class Flight:
    """Whether a call is out and unanswered, for who breaks it off before it ends by itself."""

    is_out: bool = False


class _Code(msgspec.Struct):
    errcode: int = 0
    errmsg: object = None


class _Token(msgspec.Struct):
    access_token: Annotated[str, msgspec.Meta(min_length=1)]
    expires_in: Annotated[int, msgspec.Meta(ge=1, le=86_400)]


@dataclass(frozen=True, slots=True)
class _Call:
    """A call without the secret of who makes it."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    content: bytes | None = None
    content_type: str = _JSON
    flight: Flight = field(default_factory=Flight)


class WecomApi:
    """The calls of all apps in the settings, and of robots."""

    def __init__(self, settings: WecomApiSettings, shared: SharedTokens | None = None) -> None:
        """``shared``: where processes meet that use the same tokens."""
        self._base = settings.wecom_api_base_url.rstrip("/")
        self._tokens = Tokens(self._base, self._get_token, CallFailed, shared)
        self._client = httpx.AsyncClient(
            transport=AiohttpTransport(
                limits=httpx.Limits(max_connections=settings.wecom_connections)
            ),
            timeout=times(settings.wecom_connect_within, settings.wecom_silent_for),
            follow_redirects=False,  # it would carry the token along
        )

    async def post(self, app: WecomApp, name: str, body: Mapping[str, object]) -> bytes:
        """Call as that app and return the answer's JSON. Raises `CallFailed`."""
        # WeCom refuses ``\uxxxx`` (40033), which is written for control characters only.
        content = msgspec.json.encode(body)
        return await self._told(app, _Call("POST", f"cgi-bin/{name}", content=content))

    async def send(self, app: WecomApp, path: str, content: bytes, flight: Flight) -> bytes:
        """Post that JSON as that app, below the base address. Raises `CallFailed`."""
        return await self._told(app, _Call("POST", path, content=content, flight=flight))

    async def upload(self, app: WecomApp, kind: str, form: Form) -> bytes:
        """Bring a file as that app. Raises `CallFailed`."""
        return await self._told(app, _upload("cgi-bin/media/upload", kind, form))

    async def robot_send(self, robot: WecomRobot, content: bytes, flight: Flight) -> bytes:
        """Let a robot say that JSON. Raises `CallFailed`."""
        call = _Call("POST", "cgi-bin/webhook/send", content=content, flight=flight)
        return await self._robot_told(robot, call)

    async def robot_upload(self, robot: WecomRobot, kind: str, form: Form) -> bytes:
        """Bring a file that only this robot can use. Raises `CallFailed`."""
        return await self._robot_told(robot, _upload("cgi-bin/webhook/upload_media", kind, form))

    @asynccontextmanager
    async def download(
        self, app: WecomApp, name: str, query: Mapping[str, str]
    ) -> AsyncGenerator[httpx.Response]:
        """Call as that app and hand out the answer, whose bytes are still to come."""
        async with self._called(app, _Call("GET", f"cgi-bin/{name}", query)) as response:
            yield response

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _told(self, app: WecomApp, call: _Call) -> bytes:
        async with self._called(app, call) as response:
            return await _json_of(response)

    async def _robot_told(self, robot: WecomRobot, call: _Call) -> bytes:
        response = await self._exchange(call, {"key": robot.key.get_secret_value()})
        try:
            return await _json_of(response)
        finally:
            await response.aclose()

    @asynccontextmanager
    async def _called(self, app: WecomApp, call: _Call) -> AsyncGenerator[httpx.Response]:
        """Call; where the access token has ended, once more with a new one (40014, 42001)."""
        token = await self._tokens.of(app)
        response = await self._exchange(call, {"access_token": token})
        try:
            try:
                await _look_into(response)
            except CallFailed as error:
                if error.kind is not Kind.ACCESS_TOKEN:
                    raise
                await response.aclose()
                call.flight.is_out = False
                token = await self._tokens.of(app, but=token)
                response = await self._exchange(call, {"access_token": token})
                await _look_into(response)
            yield response
        finally:
            await response.aclose()

    async def _get_token(self, app: WecomApp, _: str | None) -> Given:
        secrets = {"corpid": app.corp_id, "corpsecret": app.secret.get_secret_value()}
        response = await self._exchange(_Call("GET", "cgi-bin/gettoken"), secrets)
        try:
            answer = await _json_of(response)
        finally:
            await response.aclose()
        try:
            told = msgspec.json.decode(answer, type=_Token)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise CallFailed("token unreadable") from None
        return Given(told.access_token, timedelta(seconds=told.expires_in))

    async def _exchange(self, call: _Call, secrets: Mapping[str, str]) -> httpx.Response:
        # Compressed, a small answer could become a very large one.
        headers = {"Accept-Encoding": "identity"}
        if call.content is not None:
            headers["Content-Type"] = call.content_type
        request = self._client.build_request(
            call.method,
            f"{self._base}/{call.path}",
            params={**call.query, **secrets},
            content=call.content,
            headers=headers,
        )
        call.flight.is_out = True
        with _failures_named():
            return await self._client.send(request, stream=True)


def _upload(path: str, kind: str, form: Form) -> _Call:
    return _Call("POST", path, {"type": kind}, form.content, form.content_type)


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
    if response.status_code == HTTPStatus.OK and is_file(response):
        return
    _check(response.status_code, await _all_of(response))


async def _json_of(response: httpx.Response) -> bytes:
    answer = await _all_of(response)
    _check(response.status_code, answer)
    return answer


async def _all_of(response: httpx.Response) -> bytes:
    if "whole" not in response.extensions:
        whole = bytearray()
        async for chunk in chunks_of(response):
            whole += chunk
            if len(whole) > LARGEST_ANSWER:
                raise CallFailed("answer too large", in_doubt=True)
        response.extensions["whole"] = bytes(whole)
    return response.extensions["whole"]


def _check(status: int, answer: bytes) -> None:
    """Raise `CallFailed` unless all is well. The code decides, wherever one is (WX 0)."""
    try:
        # Not strict: a code may come as a text.
        told = msgspec.json.decode(answer, type=_Code, strict=False)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        told = None
    if told is not None and told.errcode != 0:
        words = told.errmsg if isinstance(told.errmsg, str) else None
        raise CallFailed(f"error {told.errcode}", told.errcode, text=words)
    if status != HTTPStatus.OK:
        # Behind an outage of something in between, WeCom may have done it.
        raise CallFailed(f"HTTP {status}", status=status, in_doubt=may_pass(status))
    if told is None:
        raise CallFailed("answer unreadable", in_doubt=True)


@contextmanager
def _failures_named() -> Generator[None]:
    try:
        yield
    except (httpx.HTTPError, aiohttp.ClientError, TimeoutError, OSError) as error:
        cause = error.__cause__ or error
        # From None: the error may quote the address, and so the token.
        raise CallFailed(
            type(cause).__name__, in_doubt=not isinstance(cause, NEVER_OPENED)
        ) from None
