"""Where a page ended: an opaque word from which the next one goes on (IM-37, CF-47).

A page begins behind the last row of the one before it, not at a number of rows: what comes in
meanwhile neither repeats a row nor skips one.
"""

import base64
import binascii
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import msgspec

from runtime.errors import InvalidInput

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_LATEST: Final = (datetime(3000, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """A row's place in the order of its list."""

    at_us: Annotated[int, msgspec.Meta(ge=0, le=_LATEST)]
    id: Annotated[str, msgspec.Meta(min_length=1, max_length=255, pattern="^[^\x00]*$")]
    """Tells rows of one moment apart."""
    group: Annotated[int, msgspec.Meta(ge=0, le=1)] = 0
    """Which part of the list, where it has two."""

    @classmethod
    def of(cls, moment: datetime, row_id: str, group: int = 0) -> "Cursor":
        """Return the cursor of a row."""
        return cls((moment - _EPOCH) // _MICROSECOND, row_id, group)

    @property
    def at(self) -> datetime:
        """The row's moment, to the microsecond, as PostgreSQL keeps it."""
        return _EPOCH + self.at_us * _MICROSECOND

    def written(self) -> str:
        """Return the word that people pass back."""
        return base64.urlsafe_b64encode(msgspec.msgpack.encode(self)).rstrip(b"=").decode()


def read(field: str, word: str | None) -> Cursor | None:
    """Return the cursor of a word that was given; None for none.

    Raises `InvalidInput`, naming the field, for a word that we did not write.
    """
    if word is None:
        return None
    try:
        padded = word.encode("ascii") + b"=" * (-len(word) % 4)
        return msgspec.msgpack.decode(base64.urlsafe_b64decode(padded), type=Cursor)
    except (UnicodeEncodeError, binascii.Error, msgspec.MsgspecError) as error:
        raise InvalidInput(field, "not a cursor of this list") from error
