"""Fetches a file that came with a message: looks its id up, then downloads it (WA 5).

The address in the look-up's answer is the provider's data, not ours: it is only called where it is
one of the provider's hosts, over TLS, at a public address, and no redirect is followed (IM-32).
"""

from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import quote

import aiohttp
import httpx
import msgspec
from httpx_aiohttp import AiohttpTransport

from providers.media import Download, NotThere, Unavailable
from providers.outbound import public_client, times, was_refused
from providers.whatsapp.answers import retry_after
from providers.whatsapp.settings import WhatsAppMediaSettings

NO_SUCH_OBJECT = 100
"""What the Graph API says of an id that it does not know: "Unsupported get request"."""

_GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)


class _Found(msgspec.Struct):
    """What a look-up answers, as far as we read it."""

    url: str
    sha256: str | None = None


class _Error(msgspec.Struct):
    code: int


class _Refusal(msgspec.Struct):
    error: _Error


class WhatsAppMedia:
    """Files of the Cloud API."""

    def __init__(self, settings: WhatsAppMediaSettings) -> None:
        self._settings = settings
        self._base = httpx.URL(settings.whatsapp_api_base_url)
        hosts = settings.whatsapp_media_hosts.split(",")
        self._hosts = tuple(host.strip().lower() for host in hosts if host.strip())
        connect_within = settings.whatsapp_connect_within
        silent_for = settings.whatsapp_media_silent_for
        connections = settings.whatsapp_connections
        self._api = httpx.AsyncClient(
            transport=AiohttpTransport(limits=httpx.Limits(max_connections=connections)),
            timeout=times(connect_within, silent_for),
            follow_redirects=False,
        )
        self._public = public_client(
            connect_within=connect_within, silent_for=silent_for, connections=connections
        )

    @asynccontextmanager
    async def open(self, media_id: str, account_id: str | None = None) -> AsyncGenerator[Download]:
        """Look the file up and begin its download. Raises `NotThere` or `Unavailable`.

        One token sees the files of all accounts.
        """
        del account_id
        found, response = await self._begin(media_id)
        if response.status_code in _GONE:
            # Its address works for five minutes only: look it up again.
            await response.aclose()
            found, response = await self._begin(media_id)
        try:
            _check(response)
            yield Download(_chunks(response), found.sha256)
        finally:
            await response.aclose()

    def largest(self, message_type: str) -> int | None:
        """Leave it to the settings."""
        del message_type

    async def close(self) -> None:
        """Close the connections."""
        await self._api.aclose()
        await self._public.aclose()

    async def _begin(self, media_id: str) -> tuple[_Found, httpx.Response]:
        found = await self._look_up(media_id)
        client, url = self._checked(found.url)
        with _failures_named():
            return found, await client.send(self._request(url), stream=True)

    async def _look_up(self, media_id: str) -> _Found:
        url = f"{self._settings.whatsapp_api_base_url}/{quote(media_id, safe='')}"
        with _failures_named():
            response = await self._api.send(self._request(httpx.URL(url)))
        if response.is_success:
            try:
                return msgspec.json.decode(response.content, type=_Found)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise Unavailable("look-up unreadable") from error
        code = _code_of(response)
        if code == NO_SUCH_OBJECT or response.status_code in _GONE:
            raise NotThere
        said = f"HTTP {response.status_code}" if code is None else f"error {code}"
        raise Unavailable(f"look-up: {said}", retry_after(response, datetime.now(UTC)))

    def _checked(self, text: str) -> tuple[httpx.AsyncClient, httpx.URL]:
        """Return the address and who may call it. Raises `Unavailable` where nobody may."""
        try:
            url = httpx.URL(text)
        except (httpx.InvalidURL, ValueError) as error:
            raise Unavailable("address unreadable") from error
        if url.userinfo:
            raise Unavailable("address with a user")
        if _origin(url) == _origin(self._base):
            return self._api, url
        if url.scheme not in {"https", self._base.scheme}:
            raise Unavailable("address without TLS")
        if not any(url.host == host or url.host.endswith(f".{host}") for host in self._hosts):
            raise Unavailable("address of an unknown host")
        return self._public, url

    def _request(self, url: httpx.URL) -> httpx.Request:
        token = self._settings.whatsapp_access_token.get_secret_value()
        # Compressed, a small answer could become a very large file.
        headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"}
        return self._api.build_request("GET", url, headers=headers)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _check(response: httpx.Response) -> None:
    if response.status_code in _GONE:
        raise NotThere
    if response.status_code != HTTPStatus.OK:
        asked = retry_after(response, datetime.now(UTC))
        raise Unavailable(f"download: HTTP {response.status_code}", asked)


async def _chunks(response: httpx.Response) -> AsyncIterator[bytes]:
    with _failures_named():
        async for chunk in response.aiter_raw():
            yield chunk


@contextmanager
def _failures_named() -> Generator[None]:
    try:
        yield
    except (httpx.HTTPError, aiohttp.ClientError, TimeoutError, OSError) as error:
        if was_refused(error):
            raise Unavailable("address is internal") from error
        raise Unavailable(type(error.__cause__ or error).__name__) from error


def _code_of(response: httpx.Response) -> int | None:
    try:
        return msgspec.json.decode(response.content, type=_Refusal).error.code
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
