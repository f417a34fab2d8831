"""What a provider's JSON says, read as a whole though one text in it is broken."""

import json

import msgspec

from providers.callbacks import MalformedCallback


def decode(body: bytes) -> object:
    """Return the JSON value; raise `MalformedCallback` where there is none."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _decode_patiently(body)
    except RecursionError as error:
        raise MalformedCallback("body", "nested too deeply") from error


def _decode_patiently(body: bytes) -> object:
    """Decode what the fast decoder refuses as a whole though one part of it is at fault.

    Half a surrogate pair, a byte that is no UTF-8 or a number out of range in one person's message
    must not lose the updates beside it. The second round replaces the halves by a question mark.
    """
    try:
        tree = json.loads(body.decode(errors="replace"), parse_constant=_refuse)
        return json.loads(json.dumps(tree, ensure_ascii=False).encode(errors="replace"))
    except (ValueError, RecursionError) as error:
        raise MalformedCallback("body", f"not JSON: {error}") from error


def _refuse(constant: str) -> None:
    # Python reads NaN and Infinity, JSON does not know them.
    raise ValueError(f"{constant} is no JSON")
