"""Lists a part at a time: the cursor is where the part before ended."""

from collections.abc import Callable, Sequence
from typing import Annotated, Final, TypeVar

from fastapi import Path, Query

from runtime.errors import InvalidInput, NotFound
from schemas.http.accounts import Page

T = TypeVar("T")
S = TypeVar("S")

_DIGITS: Final = 18
"""Of a bigint that PostgreSQL surely holds."""

Cursor = Annotated[
    str | None, Query(max_length=100, description="`nextCursor` of the part before.")
]
Limit = Annotated[int, Query(ge=1, le=200)]
PathId = Annotated[str, Path(max_length=100)]


def page(
    rows: Sequence[T], limit: int, shown: Callable[[T], S], name: Callable[[T], str]
) -> Page[S]:
    """Return a part of at most ``limit``; ``rows`` has one more where it is not the last."""
    here = rows[:limit]
    following = name(here[-1]) if len(rows) > limit else None
    return Page(items=[shown(row) for row in here], next_cursor=following)


def after(cursor: str | None) -> int:
    """Return the id behind which the part begins."""
    if cursor is None:
        return 0
    number = _number(cursor)
    if number is None:
        raise InvalidInput("cursor", "is none of ours")
    return number


def number(path_id: str, missing: str) -> int:
    """Return the id that a path names; what is no number is not there."""
    found = _number(path_id)
    if found is None:
        raise NotFound(missing)
    return found


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _DIGITS else None
