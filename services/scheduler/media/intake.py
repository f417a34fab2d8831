"""What is brought in, by its bytes, and how it gets into the store (IM-39, CF-49; peers, S6)."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from secrets import token_hex
from typing import BinaryIO, Final, Literal

import sqlalchemy as sa

from runtime import audit
from runtime.audit import Action
from runtime.auth import Caller
from runtime.clock import Clock
from runtime.errors import InvalidInput
from runtime.file_types import (
    HEAD,
    LONGEST_MARKUP,
    extension_of,
    has_markup,
    is_recording,
    safe_name,
    type_of,
)
from runtime.media import MediaStore
from runtime.postgres import in_thread
from schemas.http.media import UPLOADS
from services.scheduler.media.parts import FILE, Brought, too_large
from services.scheduler.media.pictures import JPEG, LARGEST, PNG, BadPicture, rewritten
from services.scheduler.store import uploads

Purpose = Literal["push", "chat"]

_MB: Final = 1_024 * 1_024
_IN_CHAT: Final[Mapping[str, int]] = {"image": 5 * _MB, "audio": 16 * _MB, "video": 16 * _MB}
_DOCUMENT: Final = 100 * _MB
LARGEST_OF_ALL: Final = _DOCUMENT
"""Bytes: what WhatsApp carries (WA 5); what another provider does not is told when it is sent."""
_PIECE: Final = 256 * 1_024
_AT_ONCE: Final = 1
"""Pictures decoded at the same time, each of up to some 200 MB on the way."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that is in the store."""

    key: str
    mime_type: str
    size: int
    file_name: str
    """Without folders and tricks, with an ending that suits what it is."""


class MediaIntake:
    """The way in for files of our own people."""

    def __init__(self, engine: sa.Engine, store: MediaStore, clock: Clock) -> None:
        self._engine = engine
        self._store = store
        self._clock = clock
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def keep(self, file: Brought, caller: Caller, purpose: Purpose) -> Kept:
        """Keep it under a key that nobody can guess.

        Raises `InvalidInput`, 413, or `TryAgainLater` where the store or the database is away.
        """
        mime_type = _type(file, purpose)
        largest = _largest(mime_type, purpose)
        if file.size > largest:
            raise too_large(largest)
        if is_recording(mime_type):
            await asyncio.to_thread(_refuse_markup, file.file)
        if mime_type in {JPEG, PNG}:
            mime_type, size, chunks = await self._picture(file)
        else:
            size, chunks = file.size, _chunks(file.file)
        now = self._clock()
        key = _key(now, mime_type)
        await self._store.put(key, chunks)
        upload = uploads.Upload(key, mime_type, size, caller.tenant_id, caller.user_id, now)
        await in_thread(self._engine, lambda connection: _enter(connection, upload, caller))
        name = safe_name(file.name, mime_type)
        return Kept(key, mime_type, size, name or key.rpartition("/")[2])

    async def _picture(self, file: Brought) -> tuple[str, int, AsyncIterator[bytes]]:
        data = await asyncio.to_thread(file.file.read)
        async with self._room:
            try:
                picture = await asyncio.to_thread(rewritten, data)
            except BadPicture as error:
                raise InvalidInput(FILE, str(error)) from error
        return picture.mime_type, len(picture.data), _whole(picture.data)


def _enter(connection: sa.Connection, upload: uploads.Upload, caller: Caller) -> None:
    uploads.insert(connection, upload)
    what = {"mimeType": (None, upload.mime_type), "size": (None, upload.size)}
    audit.note(connection, caller, Action.MEDIA_UPLOAD, upload.key, what)


def _type(file: Brought, purpose: Purpose) -> str:
    head = file.file.read(HEAD)
    file.file.seek(0)
    mime_type = type_of(head, file.announced)
    if purpose == "push" and mime_type not in {JPEG, PNG}:
        raise InvalidInput(FILE, "must be a JPEG or PNG picture, by its bytes")
    if mime_type is None or mime_type == "image/webp":
        raise InvalidInput(FILE, "its bytes show no type that is carried")
    return mime_type


def _largest(mime_type: str, purpose: Purpose) -> int:
    kind = mime_type.partition("/")[0]
    return LARGEST if purpose == "push" else _IN_CHAT.get(kind, _DOCUMENT)


def _refuse_markup(file: BinaryIO) -> None:
    end = b""
    while piece := file.read(_PIECE):
        if has_markup(end + piece):
            raise InvalidInput(FILE, "holds a page of markup")
        end = piece[-LONGEST_MARKUP:]
    file.seek(0)


def _key(now: datetime, mime_type: str) -> str:
    return f"{UPLOADS}{now:%Y/%m}/{token_hex(16)}.{extension_of(mime_type)}"


async def _whole(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def _chunks(file: BinaryIO) -> AsyncIterator[bytes]:
    while piece := await asyncio.to_thread(file.read, _PIECE):
        yield piece


def purpose_of(word: str | None) -> Purpose:
    """Return what the file is for; raises `InvalidInput`."""
    with suppress(KeyError):
        return _PURPOSES[word or "push"]
    raise InvalidInput("purpose", f"must be one of {', '.join(_PURPOSES)}")


_PURPOSES: Final[Mapping[str, Purpose]] = {"push": "push", "chat": "chat"}
