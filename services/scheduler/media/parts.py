"""Reads a form with one file, bounded: what is too large is refused while it still comes."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import BinaryIO, Final

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser

from runtime.errors import InvalidInput

FILE: Final = "file"
FORM: Final = "multipart/form-data"
_ENVELOPE: Final = 16 * 1_024
"""Bytes of the form around the file."""
_LONGEST_FIELD: Final = 256


@dataclass(frozen=True, slots=True)
class Brought:
    """A file as somebody brought it; nothing they say of it is believed."""

    file: BinaryIO
    """At its beginning; in memory while it is small, else on the disk, and gone with the call."""
    size: int
    name: str | None
    announced: str | None
    """The type that was said."""
    fields: dict[str, str]


@asynccontextmanager
async def brought(request: Request, *, largest: int) -> AsyncGenerator[Brought]:
    """Return the file of the request's form.

    Raises `InvalidInput`, or 413 as soon as the form has more bytes than a file may.
    """
    if not request.headers.get("content-type", "").lower().startswith(FORM):
        raise InvalidInput("body", f"must be {FORM}")
    stream = _bounded(request, largest + _ENVELOPE)
    parser = MultiPartParser(
        request.headers, stream, max_files=1, max_fields=4, max_part_size=_LONGEST_FIELD
    )
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise InvalidInput("body", "not a form with one file") from error
    try:
        yield _file_of(form)
    finally:
        await form.close()


def _file_of(form: FormData) -> Brought:
    file = form.get(FILE)
    if not isinstance(file, UploadFile):
        raise InvalidInput(FILE, "is required")
    fields = {name: value for name, value in form.items() if isinstance(value, str)}
    return Brought(file.file, file.size or 0, file.filename, file.content_type, fields)


async def _bounded(request: Request, most: int) -> AsyncGenerator[bytes]:
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most:
            raise too_large(most - _ENVELOPE)
        yield chunk


def too_large(largest: int) -> HTTPException:
    """Return the refusal of a file with more bytes."""
    return HTTPException(413, f"{FILE}: has more than {largest} bytes")
