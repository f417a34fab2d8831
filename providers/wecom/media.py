"""Fetches a file that came with a message by its temporary id, valid for three days (WX 7)."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from email.message import Message
from typing import Final

import httpx

from providers.media import Download, NotThere, Unavailable
from providers.wecom.api import WecomApi, chunks_of, is_file
from providers.wecom.api_settings import WecomApp
from providers.wecom.failures import Kind
from providers.wecom.tokens import CallFailed

_MB: Final = 1_024 * 1_024
LARGEST: Final = {"image": 10 * _MB, "voice": 2 * _MB, "video": 10 * _MB, "file": 20 * _MB}
"""Bytes by the kind of the message."""
_LONGEST_NAME: Final = 255


class WecomMedia:
    """Files of the companies in the settings; all apps of a company may fetch them."""

    def __init__(self, api: WecomApi, apps: Sequence[WecomApp]) -> None:
        self._api = api
        self._apps = {app.corp_id: app for app in reversed(apps)}

    @asynccontextmanager
    async def open(self, media_id: str, account_id: str | None) -> AsyncGenerator[Download]:
        """Begin the download. Raises `NotThere` or `Unavailable`."""
        app = self._apps.get(account_id or "")
        if app is None:
            raise Unavailable("no app of this company")
        try:
            async with self._api.download(app, "media/get", {"media_id": media_id}) as response:
                if not is_file(response):
                    raise Unavailable("neither a file nor an error")
                yield Download(
                    _chunks(response),
                    sha256=None,
                    mime_type=response.headers.get("content-type"),
                    file_name=_file_name(response),
                )
        except CallFailed as error:
            raise _said(error) from None

    def largest(self, message_type: str) -> int | None:
        """Return how many bytes WeCom lets such a file have."""
        return LARGEST.get(message_type, LARGEST["file"])

    async def close(self) -> None:
        """Leave the connections to who reads the customer service over them as well."""


def _said(error: CallFailed) -> NotThere | Unavailable:
    if error.kind is Kind.PERMANENT:
        return NotThere()
    return Unavailable(error.why, error.retry_after)


async def _chunks(response: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for chunk in chunks_of(response):
            yield chunk
    except CallFailed as error:
        raise _said(error) from None


def _file_name(response: httpx.Response) -> str | None:
    header = Message()
    header["Content-Disposition"] = response.headers["content-disposition"]
    name = header.get_filename()
    return name[-_LONGEST_NAME:] if name else None
