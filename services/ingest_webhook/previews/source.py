"""Where the page's content comes from: the scheduler, which knows what was asked (PV-02).

Callbacks never wait for it: it is asked for pages only, briefly, and a few at a time.
"""

from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Final, NoReturn

import httpx
from pydantic import ValidationError

from schemas.http.previews import CONTENT, PICTURE, PICTURES, PageContent
from services.ingest_webhook.refusals import ContentAway, TooLarge, UnknownPreview

ANSWERS_WITHIN: Final = timedelta(seconds=2)
AT_ONCE: Final = 20
LARGEST_PICTURE: Final = 2 * 1_024 * 1_024
"""Bytes (PV-03)."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture to be shown."""

    data: bytes
    mime_type: str


class Source:
    """What pages show, by the token of their link."""

    def __init__(self, origin: str) -> None:
        """``origin``: of the scheduler; empty: nobody is asked."""
        self._known = bool(origin)
        self._client = httpx.AsyncClient(
            base_url=origin,
            timeout=ANSWERS_WITHIN.total_seconds(),
            limits=httpx.Limits(max_connections=AT_ONCE),
            trust_env=False,
        )

    async def content(self, token: str) -> PageContent | None:
        """Return what the page shows; None: nobody is asked.

        Raises `UnknownPreview` and `ContentAway`.
        """
        if not self._known:
            return None
        try:
            answer = await self._client.get(CONTENT, params={"token": token})
        except httpx.HTTPError as error:
            raise ContentAway from error
        if answer.status_code != HTTPStatus.OK:
            _refuse(answer)
        try:
            return PageContent.model_validate_json(answer.content)
        except ValidationError as error:
            raise ContentAway from error

    async def picture(self, token: str) -> Picture:
        """Return the page's picture. Raises `UnknownPreview`, `ContentAway` and `TooLarge`."""
        if not self._known:
            raise UnknownPreview
        try:
            async with self._client.stream("GET", PICTURE, params={"token": token}) as answer:
                return await _picture(answer)
        except httpx.HTTPError as error:
            raise ContentAway from error

    async def close(self) -> None:
        """Hang up."""
        await self._client.aclose()


async def _picture(answer: httpx.Response) -> Picture:
    mime_type = answer.headers.get("content-type", "")
    if answer.status_code != HTTPStatus.OK or mime_type not in PICTURES:
        _refuse(answer)
    data = bytearray()
    async for piece in answer.aiter_bytes():
        data += piece
        if len(data) > LARGEST_PICTURE:
            raise TooLarge(LARGEST_PICTURE)
    return Picture(bytes(data), mime_type)


def _refuse(answer: httpx.Response) -> NoReturn:
    if answer.status_code == HTTPStatus.NOT_FOUND:
        raise UnknownPreview
    raise ContentAway
