"""Reads bodies: bounded, and with every mistake named by its field (CF-08)."""

import re
from typing import Annotated, Any, Final, TypeVar

import msgspec
from fastapi import Header, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException

from runtime.errors import InvalidInput
from runtime.http import raw_body

M = TypeVar("M", bound=BaseModel)
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

_NAMED: Final = re.compile(r"Object (?:contains unknown|missing required) field `(.*)`")


async def read_body(request: Request, *, limit: int) -> bytes:
    """Return the raw body; 413 as soon as more than ``limit`` bytes have come."""
    raw = await raw_body(request, limit=limit)
    if raw is None:
        raise HTTPException(413, f"The body is larger than {limit} bytes")
    return raw


def parse(model: type[M], raw: bytes) -> M:
    """Return the body as the model; raise what FastAPI itself would raise otherwise."""
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        raise RequestValidationError(
            [problem | {"loc": ("body", *problem["loc"])} for problem in problems]
        ) from error


def decode(decoder: msgspec.json.Decoder[T], raw: bytes) -> T:
    """Return the body as the decoder's type; raise `InvalidInput` naming the field otherwise."""
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `$")
        parts = [place.rstrip("`").lstrip(".")]
        if named := _NAMED.fullmatch(problem):
            parts.append(named[1])
        raise InvalidInput(".".join(filter(None, parts)) or "body", problem) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput("body", "not valid JSON") from error


def documented(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the OpenAPI entry of a body that is read by hand."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
