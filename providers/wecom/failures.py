"""What an ``errcode`` of WeCom means: to who asks for something, and to who sends (WX 13, CF-38).

HTTP says 200 to all of them, and the text beside the code is not for programs (WX 0).
"""

from datetime import timedelta
from enum import Enum, StrEnum
from http import HTTPStatus
from typing import Final

from domain.failures import ErrorCode, Failure, FailureClass, Origin

LONGEST_DETAIL: Final = 300
"""Characters kept of WeCom's words, which go on with a hint for its support."""
_ADDRESS: Final = ", from ip:"
"""From there on they name our address and a page about the code."""


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


def may_pass(status: int) -> bool:
    """Tell whether an HTTP status without a word of WeCom's is an outage, not a wrong address.

    >>> may_pass(502), may_pass(404)
    (True, False)
    """
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT


def pause_of(code: int) -> timedelta | None:
    """Return how long WeCom wants to be left alone, where it is known."""
    return _BLOCKED_FOR if code == _TOO_OFTEN else None


class _Meaning(Enum):
    """What we tell people of a send, and whether the same call may succeed later."""

    BAD_RECIPIENT = (ErrorCode.INVALID_RECIPIENT, FailureClass.REFUSED)
    NOT_SENDABLE = (ErrorCode.UNKNOWN_ERROR, FailureClass.REFUSED)
    SPAM = (ErrorCode.UNKNOWN_ERROR, FailureClass.REFUSED, "stopped by anti-spam")
    APP_BROKEN = (ErrorCode.WA_ACCOUNT_ABNORMAL, FailureClass.SENDER_BROKEN)
    NO_ROOM = (ErrorCode.NETWORK_ERROR, FailureClass.SENDER_THROTTLED)
    BUSY = (ErrorCode.NETWORK_ERROR, FailureClass.RETRY)


_SENDS: Final[dict[int, _Meaning]] = {
    -1: _Meaning.BUSY,  # system busy
    6000: _Meaning.BUSY,  # version conflict
    45035: _Meaning.BUSY,  # concurrent change of the same object
    # Too often, and too many at once: neither is a failure of the message.
    _TOO_OFTEN: _Meaning.NO_ROOM,
    45033: _Meaning.NO_ROOM,
    **dict.fromkeys(
        (
            40001,  # wrong secret: repeated, it blocks our address for an hour
            40013,  # company
            40014,  # access token invalid, although it is a new one
            40056,  # app
            40091,  # secret of another company
            41001,  # access token missing
            42001,  # access token expired, although it is a new one
            48001,  # function not authorised
            48002,  # interface not authorised
            48005,  # interface withdrawn
            48006,  # permission taken back
            48011,  # not active enough
            45036,  # limit of data access; later
            50003,  # app disabled
            60020,  # our address is not trusted
            301002,  # the app does not belong to the token
            701008,  # licence missing
        ),
        _Meaning.APP_BROKEN,
    ),
    # Stopped by anti-spam. Not of the message alone: too many of them halt the app, with an alert.
    **dict.fromkeys((40201, 40204), _Meaning.SPAM),
    **dict.fromkeys(
        (
            40003,  # userid
            40031,  # list of userids
            40032,  # list of userids too long
            40050,  # chat id
            40096,  # customer, or its member is outside the app's range
            40205,  # the member has to log in again
            41048,  # nobody to send to
            49008,  # group dissolved
            50002,  # member outside the app's range
            60011,  # no right on this member
            60021,  # userid outside the range
            60111,  # no such userid
            81012,  # all recipients without permission
            81013,  # all recipients invalid
            82001,  # recipients empty
            84061,  # no customer of the member, or not any more
            86001,  # chat id missing
            86003,  # chat id
            86008,  # the chat was made by another app
            90501,  # no customer group
            93000,  # robot's key, or it was removed from the group
        ),
        _Meaning.BAD_RECIPIENT,
    ),
}
"""Whatever is not here, WeCom would refuse again: sizes, formats, fields, forbidden words."""

MEDIA_GONE: Final = frozenset({40007, 40145})
"""The upload has expired: once more with a new one (IM-28)."""


def failure_of(code: int, words: str | None) -> Failure:
    """Return a failure that WeCom told; its code is kept as received.

    >>> failure_of(40096, "invalid external userid, hint: [1], from ip: 1.2.3.4, more").detail
    'invalid external userid, hint: [1]'
    """
    detail = (words or "").partition(_ADDRESS)[0].replace("\x00", "")[:LONGEST_DETAIL]
    return Failure(_meaning_of(code).value[0], Origin.PROVIDER, str(code), detail or None)


def class_of(code: int) -> FailureClass:
    """Return what it means for the next attempt of a send.

    >>> class_of(45009).value, class_of(40058).value
    ('sender_throttled', 'refused')
    """
    return _meaning_of(code).value[1]


def is_of_message(code: str | None) -> bool:
    """Tell whether a failure speaks of one message alone, as WeCom's code says (IM-55).

    >>> is_of_message("84061"), is_of_message("48002"), is_of_message(None)
    (True, False, False)
    """
    if code is None or not code.isdecimal():
        return False
    return _meaning_of(int(code)) in {_Meaning.BAD_RECIPIENT, _Meaning.NOT_SENDABLE}


def _meaning_of(code: int) -> _Meaning:
    return _SENDS.get(code, _Meaning.NOT_SENDABLE)
