"""What an ``errcode`` of WeCom means to whoever asks for tokens, files and messages (WX 13).

HTTP says 200 to all of them, and the text beside the code is not for programs (WX 0).
"""

from datetime import timedelta
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What follows."""

    RETRYABLE = "retryable"
    """Later it may work; so is every code that we do not know, since asking changes nothing."""
    CONFIGURATION = "configuration"
    """Somebody has to change a secret, a right or an address list; until then it is repeated."""
    PERMANENT = "permanent"
    """What was asked for is not there, and will not be."""
    ACCESS_TOKEN = "access_token"  # noqa: S105 - a word
    """Once more with a new access token (WX 1)."""
    NOTICE_TOKEN = "notice_token"  # noqa: S105 - a word
    """The token of a notice has ended: it works without one, rarely (WX 10)."""
    CURSOR = "cursor"
    """The place in the customer service's messages is not known: from the beginning."""


_KINDS: Final = {
    **dict.fromkeys((40014, 42001), Kind.ACCESS_TOKEN),
    95007: Kind.NOTICE_TOKEN,
    50100: Kind.CURSOR,
    **dict.fromkeys((40007, 40145, 41006), Kind.PERMANENT),
    **dict.fromkeys(
        (
            *(40001, 40013, 40056, 40091, 41001, 48001, 48002, 48005, 48006, 48011),
            *(50002, 50003, 60011, 60020, 95000, 301002, 701008),
        ),
        Kind.CONFIGURATION,
    ),
}

_TOO_OFTEN: Final = 45009
_BLOCKED_FOR: Final = timedelta(minutes=1)
"""How long a call of that name is refused after too many of them (WX 12)."""


def kind_of(code: int) -> Kind:
    """Return what an errcode means; 0 is none.

    >>> kind_of(42001).value, kind_of(-1).value
    ('access_token', 'retryable')
    """
    return _KINDS.get(code, Kind.RETRYABLE)


def pause_of(code: int) -> timedelta | None:
    """Return how long WeCom wants to be left alone, where it is known."""
    return _BLOCKED_FOR if code == _TOO_OFTEN else None
