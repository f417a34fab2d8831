"""``fence``: what says which database is the live one (domain/fence.py); ours alone."""

from datetime import timedelta
from typing import Final

import msgspec

from domain.fence import Word
from schemas.topics.records import Moment, Record

FENCE_TOPIC: Final = "fence"
FENCE_RETENTION: Final = timedelta(days=1)
"""Read from its beginning at each start. Whoever was down for longer tells its word anew."""


class FenceSaid(Record, frozen=True, kw_only=True, rename="camel"):
    """One word of the live database."""

    epoch: int
    nonce: str
    previous: str | None = None
    is_confirmed: bool = False
    at: Moment


_DECODER: Final = msgspec.json.Decoder(FenceSaid)


def word_of(value: bytes | None) -> Word | None:
    """Return a record's word; None of a record that is none."""
    try:
        said = _DECODER.decode(value or b"")
    except (msgspec.ValidationError, msgspec.DecodeError):
        return None
    return Word(said.epoch, said.nonce, said.previous, said.is_confirmed)
