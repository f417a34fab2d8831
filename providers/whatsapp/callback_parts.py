"""How members of a WhatsApp callback are read, whatever part they stand in (CF-09, IM-09).

What identifies a part is read strictly, since consumers would refuse it later; what only explains
it is read as far as it makes sense, and left out where it does not.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeVar, cast

import msgspec

from providers.callbacks import MalformedCallback
from providers.whatsapp.failures import LONGEST_DETAIL
from schemas.topics.provider_events import ProviderError

Object = dict[str, Any]
Time = int | float | str

LARGEST_CONTENT: Final = 512 * 1_024
"""Bytes of what is kept as received of one part. A broker takes records of 1 MB by default: a
larger one would be refused at each of the provider's attempts, and the updates beside it with it.
"""
DEEPEST_CONTENT: Final = 100
"""Levels of what is kept as received; real ones have fewer than ten. Who decodes it in a deeper
stack than ours must not run out of it."""
MOST_ERRORS: Final = 50
"""Kept of one part, for the broker's sake; Meta sends one."""

_LONGEST_WORD: Final = 100
_LONGEST_TEXT: Final = 255
_LONGEST_ACCOUNT: Final = 64

P = TypeVar("P")


class Source(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Whom a part is for, as what holds it tells."""

    account_id: str | None = None
    """The WhatsApp business account: ``entry[].id``."""
    sender_id: str | None = None
    """Which of our numbers: ``metadata.phone_number_id``."""
    told_at: datetime | None = None
    """``entry[].time``; account events have it, messages and statuses do not (WA 8)."""


def read(part: Mapping[str, Any], shape: type[P]) -> P:
    """Return what identifies a part; raises `MalformedCallback` with the field."""
    try:
        return msgspec.convert(part, shape)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `$.")
        if place:
            raise MalformedCallback(place.rstrip("`"), problem) from error
        missing = problem.rpartition("required field `")[2].rstrip("`")
        raise MalformedCallback(missing, "missing") from error


def moment_of(timestamp: Time) -> datetime:
    """Return Unix seconds, as a number or in digits, or ISO 8601 with an offset (CF-09)."""
    try:
        if not isinstance(timestamp, str):
            return datetime.fromtimestamp(timestamp, UTC)
        if timestamp.isdecimal():
            return datetime.fromtimestamp(int(timestamp), UTC)
        moment = datetime.fromisoformat(timestamp)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise MalformedCallback("timestamp", "neither Unix seconds nor ISO 8601") from error
    raise MalformedCallback("timestamp", "has no offset from UTC")


def moment_or_none(timestamp: object) -> datetime | None:
    """Return the moment of what only explains; None where it tells none."""
    if not isinstance(timestamp, int | float | str) or isinstance(timestamp, bool):
        return None
    try:
        return moment_of(timestamp)
    except MalformedCallback:
        return None


def text_of(value: object, longest: int = _LONGEST_TEXT) -> str | None:
    """Return a text; None where it is none, empty or too long to be what it should be."""
    return value if isinstance(value, str) and 0 < len(value) <= longest else None


def word_of(value: object) -> str | None:
    """Return a word of the provider's, as `text_of` does."""
    return text_of(value, _LONGEST_WORD)


def account_of(value: object) -> str | None:
    """Return an account's id, as `text_of` does."""
    return text_of(value, _LONGEST_ACCOUNT)


def object_of(value: object) -> Object:
    """Return an object; an empty one where it is none."""
    return cast("Object", value) if isinstance(value, dict) else {}


def list_of(value: object) -> list[Any]:
    """Return a list; an empty one where it is none."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def errors_of(errors: object) -> tuple[ProviderError, ...]:
    """Return each error: a list of objects, one object, or words alone (CF-09)."""
    if errors is None:
        return ()
    listed = list_of(errors) or [errors]
    read_errors = (_error(error) for error in listed[:MOST_ERRORS])
    return tuple(error for error in read_errors if error is not None)


def _error(error: object) -> ProviderError | None:
    if isinstance(error, str):
        return ProviderError(title=_phrase(error)) if error else None
    described = object_of(error)
    details = described.get("error_data")
    if isinstance(details, dict):
        details = cast("Object", details).get("details")
    read_error = ProviderError(
        code=_code(described.get("code")),
        title=_phrase(described.get("title")) or _phrase(described.get("message")),
        detail=_phrase(details),
    )
    return None if read_error == _SAYS_NOTHING else read_error


_SAYS_NOTHING: Final = ProviderError()


def _code(code: object) -> str | None:
    is_number = isinstance(code, int) and not isinstance(code, bool)
    return word_of(str(code) if is_number else code)


def _phrase(words: object) -> str | None:
    return words[:LONGEST_DETAIL] or None if isinstance(words, str) else None


def size_of(content: object) -> int:
    """Return its bytes as JSON; more than is kept where it is nested too deeply to tell."""
    try:
        return len(msgspec.json.encode(content))
    except RecursionError:
        return LARGEST_CONTENT + 1


def assert_storable(content: object, field: str) -> None:
    """Raise `MalformedCallback` where no broker would take it, or a consumer could not decode it.

    Its depth is looked at last: that takes time in proportion to its size.
    """
    if size_of(content) > LARGEST_CONTENT:
        raise MalformedCallback(field, f"larger than {LARGEST_CONTENT} bytes")
    if _is_deeper(content, DEEPEST_CONTENT):
        raise MalformedCallback(field, f"nested deeper than {DEEPEST_CONTENT} levels")


def _is_deeper(value: object, levels: int) -> bool:
    if isinstance(value, dict):
        inner = list(cast("Object", value).values())
    elif isinstance(value, list):
        inner = cast("list[Any]", value)
    else:
        return False
    return levels == 0 or any(_is_deeper(item, levels - 1) for item in inner)
