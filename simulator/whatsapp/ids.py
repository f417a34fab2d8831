"""What ids of Meta look like (section 2.3)."""

from base64 import b64encode
from hashlib import blake2b

_WAMID = "wamid."
_LONG_ID = 200


def wamid(number: str, hex_id: str, kind: int = 0x11) -> str:
    """Return the id of a message to or from this number (digits only).

    The hexadecimal id has 18 or 20 upper-case characters, kind is byte 11 or 12.

    >>> wamid("16467043595", "826FD049A6947FA237")
    'wamid.HBgLMTY0NjcwNDM1OTUVAgARGBI4MjZGRDA0OUE2OTQ3RkEyMzcA'
    """
    head = b"\x1c\x18" + bytes([len(number)]) + number.encode()
    tail = b"\x18" + bytes([len(hex_id)]) + hex_id.encode() + b"\x00"
    return _WAMID + b64encode(head + b"\x15\x02\x00" + bytes([kind]) + tail).decode()


def lengthened(message_id: str) -> str:
    """Return an id of 200 characters that begins as this one (knob `wa.long_ids`)."""
    filler = b64encode(blake2b(message_id.encode(), digest_size=60).digest()).decode()
    return (message_id.rstrip("=") + filler * 3)[:_LONG_ID]


def hex_id(*parts: object) -> str:
    """Return 18 upper-case hexadecimal characters that belong to these parts alone."""
    return _digest(9, parts).hex().upper()


def conversation_id(message_id: str) -> str:
    """Return the 32 hexadecimal digits of a conversation (payloads up to v23.0)."""
    return _digest(16, (message_id,)).hex()


def user_id(number: str) -> str:
    """Return the business-scoped user id behind a number: country code, dot, 20 digits."""
    return f"US.{int.from_bytes(_digest(8, (number,))):020d}"


def trace_id(*parts: object) -> str:
    """Return an `fbtrace_id` of 24 characters."""
    return "A" + b64encode(_digest(17, parts), b"-_").decode().rstrip("=")


def _digest(size: int, parts: tuple[object, ...]) -> bytes:
    return blake2b("\0".join(map(str, parts)).encode(), digest_size=size).digest()
