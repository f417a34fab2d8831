"""What a WeChat error code means: for people, and for the next attempt (IM-09, CF-38, WX 14.5).

The codes are WeChat's own: the same number says something else at WeCom (WX 0). What is not in the
table is about this message or its template.
"""

from datetime import datetime, timedelta, timezone
from typing import Final, NamedTuple

from domain.failures import ErrorCode, Failure, FailureClass, Origin
from schemas.topics.provider_events import FailureReason

LONGEST_DETAIL = 500
"""Characters kept of the provider's words."""
LONGEST_CODE = 20

SUCCESS: Final = "0"
NO_SUCH_FILE: Final = "40007"
TOKEN_ENDED: Final = frozenset({"40001", "40014", "42001"})
"""Once more with a new access token; when that is refused too, the app is at fault."""


class Meaning(NamedTuple):
    """What one code says."""

    code: ErrorCode
    follows: FailureClass
    reason: str | None = None
    """In our words, where the provider's say too little."""


_BAD_RECIPIENT: Final = Meaning(ErrorCode.INVALID_RECIPIENT, FailureClass.REFUSED)
_SENDER_BROKEN: Final = Meaning(ErrorCode.WA_ACCOUNT_ABNORMAL, FailureClass.SENDER_BROKEN)
_NOT_SENDABLE: Final = Meaning(ErrorCode.UNKNOWN_ERROR, FailureClass.REFUSED)

_CODES: Final[dict[str, Meaning]] = {
    "-1": Meaning(ErrorCode.NETWORK_ERROR, FailureClass.RETRY),  # system busy
    # The recipient.
    "40003": _BAD_RECIPIENT,  # no openid of this app
    "50002": _BAD_RECIPIENT,  # account frozen or gone
    "43101": _NOT_SENDABLE._replace(reason="no consent"),  # not given, used up, or taken back
    "45015": _NOT_SENDABLE._replace(reason="the person has not written within 48 hours"),
    # The app: its credentials, its rights, its addresses.
    **dict.fromkeys(("40001", "40013", "40014", "41001", "42001"), _SENDER_BROKEN),
    **dict.fromkeys(("40164", "45035", "61004"), _SENDER_BROKEN),
    **dict.fromkeys(("48001", "48004"), _SENDER_BROKEN),
    # Perhaps one template only: the others go on.
    "43107": _SENDER_BROKEN._replace(follows=FailureClass.REFUSED),
    # Limits. A notification that comes a day late does more harm than one that fails.
    "40038": Meaning(
        ErrorCode.DAILY_LIMIT_EXCEEDED,
        FailureClass.REFUSED,
        "the template's daily limit for this person",
    ),
    "45009": Meaning(ErrorCode.DAILY_LIMIT_EXCEEDED, FailureClass.SENDER_THROTTLED),
    "45011": Meaning(ErrorCode.SEND_INTERVAL_LIMIT, FailureClass.SENDER_THROTTLED),  # a minute's
    "43108": Meaning(ErrorCode.SEND_INTERVAL_LIMIT, FailureClass.RECIPIENT_THROTTLED),  # at once
    "45047": Meaning(
        ErrorCode.SEND_INTERVAL_LIMIT,
        FailureClass.REFUSED,
        "no more messages until the person writes again",
    ),
}

_CHINA: Final = timezone(timedelta(hours=8))
_TOO_MANY_TODAY: Final = "45009"
_PAUSES: Final = {"45011": timedelta(minutes=1), "43108": timedelta(seconds=1)}


def meaning_of(code: str) -> Meaning:
    """Return what a code says.

    >>> meaning_of("43101").reason
    'no consent'
    """
    return _CODES.get(code, _NOT_SENDABLE)


def failure_of(code: str, words: str | None) -> Failure:
    """Return a failure that WeChat reported; its code is kept as received.

    >>> failure_of("43101", "user refuse to accept the msg").detail
    'no consent: user refuse to accept the msg'
    """
    meaning = meaning_of(code)
    told = ": ".join(part for part in (meaning.reason, words) if part).replace("\x00", "\ufffd")
    return Failure(
        code=meaning.code,
        origin=Origin.PROVIDER,
        provider_code=code,
        detail=told[:LONGEST_DETAIL] or None,
    )


def reason_of(failure: Failure) -> FailureReason:
    """Return it as it stands in an event."""
    return FailureReason(
        code=failure.code,
        origin=failure.origin,
        provider_code=failure.provider_code,
        detail=failure.detail,
    )


def is_of_message(code: str | None) -> bool:
    """Tell whether a failure speaks of one message alone, as WeChat's code says (IM-55).

    >>> is_of_message("43101"), is_of_message("48001"), is_of_message(None)
    (True, False, False)
    """
    return code is not None and meaning_of(code).code in {
        ErrorCode.INVALID_RECIPIENT,
        ErrorCode.UNKNOWN_ERROR,
    }


def pause_of(code: str, now: datetime) -> timedelta | None:
    """Return how long WeChat wants to be left alone, where it is known.

    A day's quota begins anew at midnight in China.
    """
    if code == _TOO_MANY_TODAY:
        there = now.astimezone(_CHINA)
        midnight = there.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        return midnight - there
    return _PAUSES.get(code)
