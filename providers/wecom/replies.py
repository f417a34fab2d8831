"""What a call that sends through WeCom ends in (IM-08, IM-09, WX 13)."""

from dataclasses import replace
from http import HTTPStatus

from domain.failures import ErrorCode, Failure, FailureClass, Origin
from domain.outcomes import (
    Deferred,
    InDoubt,
    Rejected,
    Reply,
    Scope,
    SenderBroken,
    Throttled,
)
from providers.wecom.failures import class_of, failure_of, may_pass
from providers.wecom.tokens import CallFailed


def reply_of(error: CallFailed, scope: Scope = Scope.SENDER) -> Reply:
    """Return what a failed call means. ``scope``: whom WeCom counts the calls of."""
    if error.code is not None:
        return _told(error, error.code, scope)
    failure = network(error.why)
    if error.in_doubt:
        return InDoubt(failure)
    if error.status == HTTPStatus.TOO_MANY_REQUESTS:
        return Throttled(failure, scope)
    if error.status is not None and not may_pass(error.status):
        # No word of WeCom's: something in between answers whatever is asked of it.
        return SenderBroken(replace(failure, code=ErrorCode.WA_ACCOUNT_ABNORMAL))
    return Deferred(failure)


def _told(error: CallFailed, code: int, scope: Scope) -> Reply:
    failure = failure_of(code, error.text)
    # Where a later attempt may succeed, this is not the provider's last word but our conclusion.
    ours = replace(failure, origin=Origin.LOCAL)
    match class_of(code):
        case FailureClass.RETRY:
            return Deferred(ours)
        case FailureClass.SENDER_THROTTLED | FailureClass.RECIPIENT_THROTTLED:
            return Throttled(ours, scope, error.retry_after)
        case FailureClass.REFUSED:
            return Rejected(failure)
        case FailureClass.SENDER_BROKEN:
            return SenderBroken(ours)
        case FailureClass.IN_DOUBT:
            return InDoubt(ours)


def network(detail: str) -> Failure:
    """Return that the way to WeCom is at fault."""
    return Failure(ErrorCode.NETWORK_ERROR, Origin.LOCAL, detail=detail)


def without_doubt(reply: Reply) -> Reply:
    """Return the reply of a call that may be repeated whatever became of it: an upload."""
    return Deferred(reply.failure) if isinstance(reply, InDoubt) else reply
