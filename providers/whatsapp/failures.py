"""What a WhatsApp error code means: for people, and for the next attempt (IM-09, CF-38).

The codes and their meanings are those of Meta's page "Cloud API error codes" of 12 December 2025;
the codes of 2026 (131030, 131050, 131062 to 131064, 132008, 137000) are those that david-lev/pywa
keeps in pywa/errors.py. Only the code is branched on: titles vanish, subcodes are deprecated, and
the HTTP status of a throttle is 400 or 429 depending on the edition.
"""

from datetime import timedelta
from enum import Enum
from typing import Final, NamedTuple

from domain.failures import ErrorCode, Failure, FailureClass, Origin
from domain.outcomes import Scope

STOPPED_OFFERS: Final = "131050"
"""The person wants no marketing messages of this number: an opt-out to be kept (WA 10)."""
LONGEST_DETAIL = 500
"""Characters kept of the provider's words; its texts have up to about 200."""


class _Meaning(Enum):
    """What we tell people, and whether the same call may succeed later."""

    BAD_RECIPIENT = (ErrorCode.INVALID_RECIPIENT, FailureClass.REFUSED)
    SENDER_BLOCKED = (ErrorCode.WA_ACCOUNT_ABNORMAL, FailureClass.SENDER_BROKEN)
    """Whatever else this number is asked to send would end the same way."""
    SENDER_RESTRICTED = (ErrorCode.WA_ACCOUNT_ABNORMAL, FailureClass.REFUSED)
    """The account may not send this kind of message, or to there; others it may."""
    NOT_SENDABLE = (ErrorCode.UNKNOWN_ERROR, FailureClass.REFUSED)
    NO_ROOM = (ErrorCode.NETWORK_ERROR, FailureClass.SENDER_THROTTLED)
    NO_ROOM_FOR_RECIPIENT = (ErrorCode.NETWORK_ERROR, FailureClass.RECIPIENT_THROTTLED)
    BUSY = (ErrorCode.NETWORK_ERROR, FailureClass.RETRY)
    PASSING = (ErrorCode.UNKNOWN_ERROR, FailureClass.RETRY)


_CODES: Final[dict[int, _Meaning]] = {
    # Authorization and integrity.
    0: _Meaning.SENDER_BLOCKED,  # token expired, revoked or blocked
    3: _Meaning.SENDER_BLOCKED,  # capability missing; comes with HTTP 500 and is no outage
    10: _Meaning.SENDER_BLOCKED,  # permission not granted or removed
    190: _Meaning.SENDER_BLOCKED,  # access token expired
    **dict.fromkeys(range(200, 300), _Meaning.SENDER_BLOCKED),  # permission missing
    368: _Meaning.SENDER_BLOCKED,  # account restricted for a policy violation
    130497: _Meaning.SENDER_RESTRICTED,  # may not message users in this country
    2500: _Meaning.SENDER_BLOCKED,  # the configured version of the API does not exist
    131005: _Meaning.SENDER_BLOCKED,  # access denied
    131031: _Meaning.SENDER_BLOCKED,  # account locked
    # Throttling.
    4: _Meaning.NO_ROOM,  # the app's calls
    80007: _Meaning.NO_ROOM,  # the account's messages
    130429: _Meaning.NO_ROOM,  # the number's throughput
    131056: _Meaning.NO_ROOM_FOR_RECIPIENT,  # this sender to this recipient
    131048: _Meaning.SENDER_BLOCKED,  # spam limit: lasts for hours, each retry makes it worse
    131064: _Meaning.SENDER_BLOCKED,  # limit after template classification violations
    133016: _Meaning.SENDER_BLOCKED,  # too many registrations of the number
    # Sending.
    1: _Meaning.PASSING,  # bad request or server error, nobody knows which
    2: _Meaning.BUSY,  # temporarily down or overloaded
    33: _Meaning.SENDER_BLOCKED,  # the business number was deleted
    100: _Meaning.NOT_SENDABLE,  # invalid parameter
    506: _Meaning.NOT_SENDABLE,  # duplicate post (legacy)
    130472: _Meaning.NOT_SENDABLE,  # the user is in an experiment group
    131000: _Meaning.PASSING,  # something went wrong
    131001: _Meaning.NOT_SENDABLE,  # message too long (legacy)
    131002: _Meaning.NOT_SENDABLE,  # recipient type invalid (legacy)
    131006: _Meaning.NOT_SENDABLE,  # resource not found (legacy)
    131008: _Meaning.NOT_SENDABLE,  # required parameter missing
    131009: _Meaning.NOT_SENDABLE,  # parameter value invalid
    131016: _Meaning.BUSY,  # service unavailable
    131021: _Meaning.BAD_RECIPIENT,  # sender and recipient are the same
    131026: _Meaning.BAD_RECIPIENT,  # not on WhatsApp, terms not accepted, client too old
    131030: _Meaning.BAD_RECIPIENT,  # a test number's allowed list lacks the recipient
    131037: _Meaning.SENDER_BLOCKED,  # display name not approved
    131042: _Meaning.SENDER_BLOCKED,  # payment problem
    131043: _Meaning.NOT_SENDABLE,  # message expired (legacy)
    131045: _Meaning.SENDER_BLOCKED,  # registration or certificate of the number
    131047: _Meaning.NOT_SENDABLE,  # over 24 h since the user's last message
    131049: _Meaning.NOT_SENDABLE,  # per-user marketing limit; not before 24 h
    131050: _Meaning.NOT_SENDABLE,  # opted out of marketing
    131051: _Meaning.NOT_SENDABLE,  # message type unsupported
    131052: _Meaning.NOT_SENDABLE,  # inbound media not downloadable
    131053: _Meaning.NOT_SENDABLE,  # outbound media not uploadable
    131057: _Meaning.NO_ROOM,  # throughput upgrade, about a minute
    131062: _Meaning.NOT_SENDABLE,  # a business-scoped user id does not do here
    131063: _Meaning.SENDER_RESTRICTED,  # marketing templates disabled for the account
    134011: _Meaning.SENDER_BLOCKED,  # payment terms not accepted
    135000: _Meaning.PASSING,  # generic error
    137000: _Meaning.NOT_SENDABLE,  # the recipient's identity key changed
    # Templates and flows.
    132000: _Meaning.NOT_SENDABLE,  # number of parameters
    132001: _Meaning.NOT_SENDABLE,  # missing in this language or not approved
    132005: _Meaning.NOT_SENDABLE,  # too long once filled in
    132007: _Meaning.NOT_SENDABLE,  # content violates a policy
    132008: _Meaning.NOT_SENDABLE,  # parameter value
    132012: _Meaning.NOT_SENDABLE,  # parameter format
    132015: _Meaning.NOT_SENDABLE,  # paused for low quality
    132016: _Meaning.NOT_SENDABLE,  # disabled for good
    132068: _Meaning.NOT_SENDABLE,  # flow blocked
    132069: _Meaning.NOT_SENDABLE,  # flow throttled for an hour
    # Registration of the sending number.
    133000: _Meaning.SENDER_BLOCKED,  # earlier deregistration failed
    133004: _Meaning.BUSY,  # server temporarily unavailable
    133005: _Meaning.SENDER_BLOCKED,  # two-step PIN wrong
    133006: _Meaning.SENDER_BLOCKED,  # number must be verified first
    133007: _Meaning.SENDER_BLOCKED,  # account blocked (legacy)
    133008: _Meaning.SENDER_BLOCKED,  # too many PIN guesses
    133009: _Meaning.SENDER_BLOCKED,  # PIN guessed too fast
    133010: _Meaning.SENDER_BLOCKED,  # number not registered
    133015: _Meaning.SENDER_BLOCKED,  # number was deleted just now
}


class Throttle(NamedTuple):
    """Whom a throttling code concerns, and for how long where the answer does not say."""

    scope: Scope
    pause: timedelta | None = None


_THROTTLES: Final = {
    # WA 3.2: minutes, of all numbers of the app or the account.
    4: Throttle(Scope.ACCOUNT, timedelta(minutes=1)),
    80007: Throttle(Scope.ACCOUNT, timedelta(minutes=1)),
    # WA 4: the switch of throughput takes up to a minute.
    131057: Throttle(Scope.SENDER, timedelta(minutes=1)),
}

_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500


def failure_of(code: int | str | None, title: str | None, details: str | None) -> Failure:
    """Return a failure that WhatsApp reported; its code is kept as received.

    ``details`` is the real reason, ``title`` stands in for it where it is missing.

    >>> failure_of(131026, "Message undeliverable", None).code
    <ErrorCode.INVALID_RECIPIENT: 'INVALID_RECIPIENT'>
    """
    meaning = _meaning_of(code) or _Meaning.NOT_SENDABLE
    error_code, _ = meaning.value
    return Failure(
        error_code,
        Origin.PROVIDER,
        provider_code=None if code is None else _storable(str(code)),
        detail=_storable(details or title or "") or None,
    )


def class_of(code: int | str | None, http_status: int) -> FailureClass:
    """Return what an error answer to a send means for the next attempt (IM-09).

    The status decides only where the code is missing or unknown: 429 and 5xx may pass.

    >>> class_of(3, 500), class_of(None, 503)
    (<FailureClass.SENDER_BROKEN: 'sender_broken'>, <FailureClass.RETRY: 'retry'>)
    """
    meaning = _meaning_of(code)
    if meaning is not None:
        _, failure_class = meaning.value
        return failure_class
    if http_status == _TOO_MANY_REQUESTS:
        return FailureClass.SENDER_THROTTLED
    return FailureClass.RETRY if http_status >= _SERVER_ERROR else FailureClass.REFUSED


def throttle_of(code: int | str | None) -> Throttle:
    """Return whom an answer without room concerns; most codes the number alone, for a moment.

    >>> throttle_of(80007).scope, throttle_of(130429)
    (<Scope.ACCOUNT: 'account'>, Throttle(scope=<Scope.SENDER: 'sender'>, pause=None))
    """
    return _THROTTLES.get(_number(code) or 0, Throttle(Scope.SENDER))


def is_of_message(code: int | str | None) -> bool:
    """Tell whether the code speaks of one message alone: its recipient, or its content (IM-55).

    >>> is_of_message("131026"), is_of_message("131042"), is_of_message("999999")
    (True, False, False)
    """
    return _meaning_of(code) in {_Meaning.BAD_RECIPIENT, _Meaning.NOT_SENDABLE}


def _meaning_of(code: int | str | None) -> _Meaning | None:
    number = _number(code)
    return None if number is None else _CODES.get(number)


def _number(code: int | str | None) -> int | None:
    try:
        return None if code is None else int(code)
    except ValueError:
        return None


def _storable(text: str) -> str:
    # PostgreSQL keeps no NUL in a text, and one bad detail must not stop a batch.
    return text.replace("\x00", "")[:LONGEST_DETAIL]
