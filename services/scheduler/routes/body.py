"""Reads bodies: bounded, and with every mistake named by its field (CF-08)."""

from typing import Annotated, TypeVar

import msgspec
from fastapi import Header, Request
from starlette.exceptions import HTTPException

from runtime.errors import InvalidInput
from runtime.http import raw_body
from services.scheduler.fields import wrong

T = TypeVar("T")

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="Repeating the call with it within 24 hours returns the first answer.",
    ),
]


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
