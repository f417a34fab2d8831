"""Where a client stands: an opaque text that says which records it has been told of.

It holds the next offset of every partition that is read, so it means the same in every process,
before a restart and after it.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Final

Vector = list[int]
"""A next offset for each place, in the places' order."""

_VERSION: Final = 1
_LONGEST: Final = 4_096
"""Characters of a text that is worth reading: some hundred partitions need no more."""
_LOW: Final = 0x7F
_MORE: Final = 0x80
_BYTES: Final = 9
"""Of one number: 63 bits."""


class MalformedCursor(ValueError):
    """The text is no cursor of ours."""


class Position:
    """How far the clients have been told, and its text.

    Made of how many partitions each topic has, and of an offset for each of them.
    """

    def __init__(self, counts: Sequence[int], offsets: Sequence[int]) -> None:
        self.offsets: Vector = list(offsets)
        # One text an event, of some forty numbers of which one has changed.
        self._parts = [bytes([_VERSION]), *(_number(count) for count in counts)]
        self._first = len(self._parts)
        self._parts += [_number(offset) for offset in offsets]

    def move(self, place: int, offset: int) -> None:
        """Note the place's next offset."""
        self.offsets[place] = offset
        self._parts[self._first + place] = _number(offset)

    @property
    def text(self) -> str:
        """The cursor."""
        return urlsafe_b64encode(b"".join(self._parts)).rstrip(b"=").decode()


def checked(text: str) -> str:
    """Return the text if it is written as a cursor. Raises `MalformedCursor`."""
    _numbers(text)
    return text


def read(text: str, counts: Sequence[int]) -> Vector:
    """Return the offsets of a cursor, by the present places.

    A partition that was added since begins at 0. Raises `MalformedCursor`.
    """
    numbers = _numbers(text)
    known, offsets = numbers[: len(counts)], numbers[len(counts) :]
    if len(known) != len(counts) or len(offsets) != sum(known):
        raise MalformedCursor("not a cursor of ours")
    vector: Vector = []
    for had, has in zip(known, counts, strict=True):
        told, offsets = offsets[:had], offsets[had:]
        vector += (told + [0] * has)[:has]
    return vector


def _numbers(text: str) -> list[int]:
    if len(text) > _LONGEST or not text.isascii():
        raise MalformedCursor("not a cursor of ours")
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (ValueError, binascii.Error) as error:
        raise MalformedCursor("not a cursor of ours") from error
    if not raw or raw[0] != _VERSION or raw[-1] & _MORE:
        raise MalformedCursor("not a cursor of ours")
    numbers: list[int] = []
    value = shift = 0
    for byte in raw[1:]:
        value |= (byte & _LOW) << shift
        shift += 7
        if not byte & _MORE:
            numbers.append(value)
            value = shift = 0
        elif shift >= 7 * _BYTES:
            raise MalformedCursor("not a cursor of ours")
    return numbers


def _number(value: int) -> bytes:
    """Return the number seven bits a byte, the lowest first; all bytes but the last are marked."""
    found = bytearray()
    while value > _LOW:
        found.append(value & _LOW | _MORE)
        value >>= 7
    found.append(value)
    return bytes(found)
