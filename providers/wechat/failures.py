"""What a WeChat error code means for people (CF-38, WX 14.5).

The codes are WeChat's own: the same number says something else at WeCom (WX 0).
"""

from typing import Final

from domain.failures import ErrorCode, Origin
from schemas.topics.provider_events import FailureReason

LONGEST_DETAIL = 500
"""Characters kept of the provider's words."""

_CODES: Final[dict[str, ErrorCode]] = {
    "-1": ErrorCode.NETWORK_ERROR,  # system busy
    # The recipient.
    "40003": ErrorCode.INVALID_RECIPIENT,  # no openid of this app
    "50002": ErrorCode.INVALID_RECIPIENT,  # account frozen or gone
    # The app: its credentials, its rights, its addresses.
    **dict.fromkeys(("40001", "40013", "40014", "41001", "42001"), ErrorCode.WA_ACCOUNT_ABNORMAL),
    **dict.fromkeys(("40164", "45035", "61004"), ErrorCode.WA_ACCOUNT_ABNORMAL),
    **dict.fromkeys(("43107", "48001", "48004"), ErrorCode.WA_ACCOUNT_ABNORMAL),
    # Limits.
    "40038": ErrorCode.DAILY_LIMIT_EXCEEDED,  # of a long-term template to one person
    "45009": ErrorCode.DAILY_LIMIT_EXCEEDED,
    "43108": ErrorCode.SEND_INTERVAL_LIMIT,  # two at once to one person
    "45011": ErrorCode.SEND_INTERVAL_LIMIT,  # calls a minute
    "45047": ErrorCode.SEND_INTERVAL_LIMIT,  # before the person writes again
}
"""All others are about this message, its template or the missing consent (43101)."""


def failure_of(code: str, words: str | None) -> FailureReason:
    """Return a failure that WeChat reported; its code is kept as received.

    >>> failure_of("40003", "invalid openid").code
    <ErrorCode.INVALID_RECIPIENT: 'INVALID_RECIPIENT'>
    """
    return FailureReason(
        code=_CODES.get(code, ErrorCode.UNKNOWN_ERROR),
        origin=Origin.PROVIDER,
        provider_code=code,
        detail=None if words is None else words[:LONGEST_DETAIL],
    )
