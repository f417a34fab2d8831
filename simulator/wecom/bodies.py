"""How the body of a call is read: UTF-8 without escapes, an object, its shape (WX 0 and 1)."""

import re
from typing import TypeVar, cast

import msgspec
from msgspec import Struct

from simulator.tencent.documents import Json
from simulator.wecom.refusals import Refusal

Body = TypeVar("Body", bound=Struct)

WRONG_PARAMETER = 40058
_NOT_UTF8 = 40033
_NO_JSON = "Warning: wrong json format."
# An escape, and not a backslash of the text that is followed by a `u`.
_ESCAPE = re.compile(rb"(?<!\\)(?:\\\\)*\\u")


def decoded(body: bytes) -> Json | Refusal:
    """Return the object that a body is."""
    if _ESCAPE.search(body):
        return Refusal(_NOT_UTF8)
    try:
        found: object = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Refusal(WRONG_PARAMETER, _NO_JSON)
    if not isinstance(found, dict):
        return Refusal(WRONG_PARAMETER, _NO_JSON)
    return cast("Json", found)


def shaped(found: object, body: type[Body]) -> Body | Refusal:
    """Return the object in its shape; a refusal names what does not fit."""
    try:
        return msgspec.convert(found, body)
    except msgspec.ValidationError as error:
        return Refusal(WRONG_PARAMETER, str(error))
