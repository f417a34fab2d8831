"""What to do about a message's error: one plain sentence each (IM-53)."""

from collections.abc import Mapping
from typing import Final

from domain.failures import ErrorCode, FailureClass, Origin

BY_CODE: Final[Mapping[tuple[ErrorCode, Origin], str]] = {
    (ErrorCode.NETWORK_ERROR, Origin.PROVIDER): (
        "The provider was overloaded or away until all attempts were used up: send it again later."
    ),
    (ErrorCode.NETWORK_ERROR, Origin.LOCAL): (
        "No call to the provider succeeded: check the network and the provider's status page, then"
        " send it again."
    ),
    (ErrorCode.WA_ACCOUNT_ABNORMAL, Origin.PROVIDER): (
        "The sending account may not send: look at its token, payment and standing at the provider,"
        " and at `sendtrail senders list`."
    ),
    (ErrorCode.WA_ACCOUNT_ABNORMAL, Origin.LOCAL): (
        "The sending account is halted: mend what `sendtrail senders list` names, resume it, then"
        " send the message again."
    ),
    (ErrorCode.INVALID_RECIPIENT, Origin.PROVIDER): (
        "The recipient cannot be reached on this channel: check the number, or use another channel;"
        " do not send it again as it is."
    ),
    (ErrorCode.INVALID_RECIPIENT, Origin.LOCAL): (
        "The recipient is no address of this channel: correct it and send a new message."
    ),
    (ErrorCode.DAILY_LIMIT_EXCEEDED, Origin.PROVIDER): (
        "The provider's daily limit is used up: send it tomorrow, or from another account."
    ),
    (ErrorCode.DAILY_LIMIT_EXCEEDED, Origin.LOCAL): (
        "A daily limit of ours is used up: send it tomorrow, ask with `whenLimited: wait`, or raise"
        " the limit."
    ),
    (ErrorCode.SEND_INTERVAL_LIMIT, Origin.PROVIDER): (
        "The provider wants more time between messages: send it again later."
    ),
    (ErrorCode.SEND_INTERVAL_LIMIT, Origin.LOCAL): (
        "The case was written to a moment ago: send it later, or ask with `whenLimited: wait`."
    ),
    (ErrorCode.UNKNOWN_OUTCOME, Origin.PROVIDER): (
        "Nobody knows whether it arrived: ask the recipient before it is sent again."
    ),
    (ErrorCode.UNKNOWN_OUTCOME, Origin.LOCAL): (
        "It may have been sent, and no callback came: check that callbacks arrive, and ask the"
        " recipient before it is sent again."
    ),
    (ErrorCode.UNKNOWN_ERROR, Origin.PROVIDER): (
        "The provider refused this message: look up its code in the provider's list, correct the"
        " message, and send a new one."
    ),
    (ErrorCode.UNKNOWN_ERROR, Origin.LOCAL): (
        "We refused it before any call: the detail says why; correct that and send a new message."
    ),
}

BY_CLASS: Final[Mapping[FailureClass, str]] = {
    FailureClass.RETRY: "It may pass: the same message can be sent again later.",
    FailureClass.SENDER_THROTTLED: (
        "The sending account had no room: spread its messages, or use more accounts."
    ),
    FailureClass.RECIPIENT_THROTTLED: (
        "This recipient was written to too often by this account: wait before the next message."
    ),
    FailureClass.REFUSED: "The provider will never accept this message as it is.",
    FailureClass.SENDER_BROKEN: "Every message of this account fails until somebody mends it.",
    FailureClass.IN_DOUBT: "It may have been sent: do not send it again blindly.",
}


def advice(code: ErrorCode, origin: Origin, failure_class: FailureClass | None = None) -> str:
    """Return what to do.

    >>> advice(ErrorCode.SEND_INTERVAL_LIMIT, Origin.PROVIDER)
    'The provider wants more time between messages: send it again later.'
    """
    said = BY_CODE[code, origin]
    return said if failure_class is None else f"{said} {BY_CLASS[failure_class]}"
