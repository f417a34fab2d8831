"""Where a page ended: an opaque word from which the next one goes on (IM-37, CF-47).

A page begins behind the last row of the one before it, not at a number of rows: what comes in
meanwhile neither repeats a row nor skips one.
"""

import base64
import binascii
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Generic, TypeVar

import msgspec

from runtime.errors import InvalidInput

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_LATEST: Final = (datetime(3000, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND


Id = TypeVar("Id", int, str)


class Cursor(msgspec.Struct, Generic[Id], frozen=True, array_like=True):
    """A row's place in the order of its list."""

    at_us: Annotated[int, msgspec.Meta(ge=0, le=_LATEST)]
    id: Id
    """Tells rows of one moment apart."""
    group: Annotated[int, msgspec.Meta(ge=0, le=1)] = 0
    """Which part of the list, where it has two."""

    @property
    def at(self) -> datetime:
        """The row's moment, to the microsecond, as PostgreSQL keeps it."""
        return _EPOCH + self.at_us * _MICROSECOND

    def written(self) -> str:
        """Return the word that people pass back."""
        return base64.urlsafe_b64encode(msgspec.msgpack.encode(self)).rstrip(b"=").decode()


Numbered = Cursor[Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]]
"""Of rows that have a number."""
Named = Cursor[Annotated[str, msgspec.Meta(min_length=1, max_length=255, pattern="^[^\x00]*$")]]
"""Of rows that have a name."""


def cursor(moment: datetime, row_id: Id, group: int = 0) -> Cursor[Id]:
    """Return the cursor of a row."""
    return Cursor((moment - _EPOCH) // _MICROSECOND, row_id, group)


def numbered(field: str, word: str | None) -> Cursor[int] | None:
    """Return the cursor of a word that was given; None for none.

    Raises `InvalidInput`, naming the field, for a word that we did not write.
    """
    return None if word is None else _read(field, word, msgspec.msgpack.Decoder(Numbered))


def named(field: str, word: str | None) -> Cursor[str] | None:
    """Return the same of rows that have a name."""
    return None if word is None else _read(field, word, msgspec.msgpack.Decoder(Named))


def _read(field: str, word: str, decoder: "msgspec.msgpack.Decoder[Cursor[Id]]") -> Cursor[Id]:
    try:
        padded = word.encode("ascii") + b"=" * (-len(word) % 4)
        return decoder.decode(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (UnicodeEncodeError, binascii.Error, msgspec.MsgspecError) as error:
        raise InvalidInput(field, "not a cursor of this list") from error
