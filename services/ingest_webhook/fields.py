"""Reads what people fill in: a browser's form, or a program's JSON."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

import msgspec
from fastapi import Request

from runtime.errors import InvalidInput

FORM: Final = "application/x-www-form-urlencoded"
_MOST_FIELDS: Final = 16

Fields = Mapping[str, object]


def is_form(request: Request) -> bool:
    """Return whether a browser's form was sent."""
    kind = request.headers.get("content-type", "").partition(";")[0]
    return kind.strip().lower() == FORM


def fields_of_form(body: bytes) -> Fields:
    """Return what a browser sent; raises `InvalidInput`."""
    try:
        text = body.decode("ascii")
        return dict(
            parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
        )
    except ValueError as error:
        raise InvalidInput("body", "not a form") from error


def fields_of_json(body: bytes) -> Fields:
    """Return what a program sent; raises `InvalidInput`."""
    try:
        return msgspec.json.decode(body, type=dict[str, object])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput("body", "not a JSON object") from error
