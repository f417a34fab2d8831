"""Names the field that is wrong in what a caller sent (CF-08)."""

import re
from datetime import datetime, timedelta
from typing import Final

import msgspec

from domain.content import Json, texts_of
from runtime.errors import InvalidInput

FARTHEST: Final = timedelta(days=366)
"""How far ahead a time may lie; farther is more likely a mistake in the year."""

_NAMED: Final = re.compile(r"Object (?:contains unknown|missing required) field `(.*)`")


def wrong(error: msgspec.ValidationError, *, inside: str = "") -> InvalidInput:
    """Return the error with its field; ``inside``: the field that was being read."""
    problem, _, place = str(error).partition(" - at `$")
    parts = [(inside + place.rstrip("`")).lstrip(".")]
    if named := _NAMED.fullmatch(problem):
        parts.append(named[1])
    return InvalidInput(".".join(filter(None, parts)) or "body", problem)


def refuse_nul(value: Json, *, inside: str = "") -> None:
    """Raise `InvalidInput` for what PostgreSQL could not store as text; a name may hold it, too."""
    for place, text in texts_of(value, inside):
        if "\x00" in place or "\x00" in text:
            shown = place.replace("\x00", "\ufffd")
            raise InvalidInput(shown, "must not contain the NUL character")


def wrong_expiry(expires_at: datetime, *, starts: datetime) -> InvalidInput | None:
    """Return the error where nothing could be sent in time: ``starts`` is when it begins."""
    if starts < expires_at <= starts + FARTHEST:
        return None
    problem = f"must lie after the sending begins, at most {FARTHEST.days} days"
    return InvalidInput("expiresAt", problem)
