"""Reads bodies: bounded, and with every mistake named by its field (CF-08).

By hand, since FastAPI reads a body whole before it asks who sends it.
"""

import re
from datetime import datetime
from typing import Any, Final, TypeVar

import msgspec
from fastapi import Request
from starlette.exceptions import HTTPException

from domain.content import Json, texts_of
from runtime.errors import InvalidInput
from runtime.http import raw_body
from schemas.http.asking import in_our_time

T = TypeVar("T")

_NAMED: Final = re.compile(r"Object (?:contains unknown|missing required) field `(.*)`")


async def read_body(request: Request, *, limit: int) -> bytes:
    """Return the raw body; 413 as soon as more than ``limit`` bytes have come."""
    raw = await raw_body(request, limit=limit)
    if raw is None:
        raise HTTPException(413, f"The body is larger than {limit} bytes")
    return raw


def decode(decoder: msgspec.json.Decoder[T], raw: bytes) -> T:
    """Return the body as the decoder's type; raise `InvalidInput` naming the field otherwise."""
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise wrong(error) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput("body", "not valid JSON") from error


def wrong(error: msgspec.ValidationError, *, inside: str = "") -> InvalidInput:
    """Return the error with its field; ``inside``: the field that was being read."""
    problem, _, place = str(error).partition(" - at `$")
    parts = [(inside + place.rstrip("`")).lstrip(".")]
    if named := _NAMED.fullmatch(problem):
        parts.append(named[1])
    return InvalidInput(".".join(filter(None, parts)) or "body", problem)


def usable_moment(field: str, moment: datetime) -> datetime:
    """Return the moment in UTC. Raises `InvalidInput` for one that nobody means."""
    try:
        return in_our_time(moment)
    except ValueError as error:
        raise InvalidInput(field, str(error)) from error


def refuse_nul(value: Json, *, inside: str = "") -> None:
    """Raise `InvalidInput` for what PostgreSQL could not store as text; a name may hold it, too."""
    for place, text in texts_of(value, inside):
        if "\x00" in place or "\x00" in text:
            shown = place.replace("\x00", "\ufffd")
            raise InvalidInput(shown, "must not contain the NUL character")


def documented(body: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the OpenAPI entry of a route whose body is read as this type, which has no parts."""
    _, parts = msgspec.json.schema_components([body])
    content = {"application/json": {"schema": parts[body.__name__]}}
    return {"requestBody": {"required": True, "content": content}}
