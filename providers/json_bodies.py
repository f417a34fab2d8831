"""How the bytes of a callback become JSON values that can be kept (IM-06).

What is kept goes through Kafka into PostgreSQL, which holds neither NUL in a text nor half a
surrogate pair. Both stand in what one person wrote, and must not cost the updates beside it.
"""

import json
import math
import re
from typing import Final

import msgspec

from providers.callbacks import WHOLE, MalformedCallback

_NUL_ESCAPE: Final = b"\\u0000"
_NOT_NUL: Final = b"\\ufffd"
_BACKSLASH: Final = b"\\\\"
_NUL: Final = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
"""The escape, unless its backslash is itself escaped."""
_NO_NUL: Final = rb"\1\\ufffd"


def decode(body: bytes) -> object:
    """Return the JSON value; raises `MalformedCallback` where the bytes are none.

    The replacement character U+FFFD stands where a text held NUL or a byte that is no UTF-8.
    """
    try:
        return msgspec.json.decode(_without_nul(body))
    except RecursionError as error:
        raise MalformedCallback(WHOLE, "nested too deeply") from error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _decode_patiently(body)


def _decode_patiently(body: bytes) -> object:
    """Decode what the fast decoder refuses as a whole though one part of it is at fault.

    Half a surrogate pair, a byte that is no UTF-8, a bare control character or a number out of
    range: the halves become question marks in the second round, the numbers stay texts.
    """
    try:
        tree = json.loads(
            body.decode(errors="replace"),
            parse_constant=_refuse,
            parse_float=_number_or_text,
            parse_int=_whole_or_text,
            strict=False,
        )
        again = json.dumps(tree, ensure_ascii=False).encode(errors="replace")
        return json.loads(_without_nul(again))
    except (ValueError, RecursionError) as error:
        raise MalformedCallback(WHOLE, f"not JSON: {error}") from error


def _without_nul(body: bytes) -> bytes:
    # The first look is cheap, and nearly every body ends there. The expression takes half a second
    # for three megabytes of nothing but NUL, so it looks only where a backslash may be escaped.
    if _NUL_ESCAPE not in body:
        return body
    if _BACKSLASH not in body:
        return body.replace(_NUL_ESCAPE, _NOT_NUL)
    return _NUL.sub(_NO_NUL, body)


def _number_or_text(digits: str) -> float | str:
    number = float(digits)
    return number if math.isfinite(number) else digits


def _whole_or_text(digits: str) -> int | str:
    try:
        return int(digits)
    except ValueError:  # more digits than Python reads
        return digits


def _refuse(constant: str) -> None:
    # Python reads NaN and Infinity, JSON does not know them.
    raise ValueError(f"{constant} is no JSON")
