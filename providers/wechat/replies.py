"""What a call of WeChat's API ends in (IM-08, IM-09, WX 14.5). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final, cast

import msgspec

from domain.failures import ErrorCode, Failure, FailureClass, Origin
from domain.identity import ProviderMessageId
from domain.outcomes import (
    Accepted,
    Deferred,
    InDoubt,
    Rejected,
    Reply,
    Scope,
    SenderBroken,
    Throttled,
)
from providers.contract import Message
from providers.wechat.failures import LONGEST_CODE, SUCCESS, failure_of, meaning_of, pause_of

_LONGEST_ID: Final = 64
"""Characters of a ``msgid``; WeChat's have 19 digits."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, as far as it can be read."""

    status: int
    code: str | None = None
    """The ``errcode`` as text; None where there is none."""
    words: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)


def answer_of(status: int, body: bytes) -> Answer:
    """Return what an answer says. A code may come as a text, and a body may be no JSON."""
    try:
        told: object = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        told = None
    if not isinstance(told, dict):
        return Answer(status)
    fields = cast("dict[str, Any]", told)
    words = fields.get("errmsg")
    return Answer(
        status, _code(fields.get("errcode")), words if isinstance(words, str) else None, fields
    )


def reply_of(answer: Answer, message: Message, now: datetime) -> Reply:
    """Return what the answer to a send means. The code decides, whatever HTTP says."""
    if answer.code == SUCCESS:
        return Accepted(name_of(message, answer.fields.get("msgid")))
    return refusal_of(answer, now)


def refusal_of(answer: Answer, now: datetime) -> Reply:
    """Return what an answer means that says no success."""
    if answer.code is not None and answer.code != SUCCESS:
        return _refused(answer.code, answer.words, now)
    failure = network(f"HTTP {answer.status}")
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return Throttled(failure, Scope.SENDER)
    if answer.status == HTTPStatus.REQUEST_TIMEOUT or _may_be_done(answer.status):
        return InDoubt(failure)
    # No word of WeChat's: something in between answers whatever is asked of it.
    return SenderBroken(replace(failure, code=ErrorCode.WA_ACCOUNT_ABNORMAL))


def refusal_of_token(answer: Answer, now: datetime) -> Reply:
    """Return what it means for a send that there is no access token. Nothing was sent."""
    reply = without_doubt(refusal_of(answer, now))
    # The call for a token says nothing of the message: what it refuses, it refuses to all.
    if isinstance(reply, Rejected):
        failure = replace(reply.failure, code=ErrorCode.WA_ACCOUNT_ABNORMAL, origin=Origin.LOCAL)
        return SenderBroken(failure)
    return reply


def without_doubt(reply: Reply) -> Reply:
    """Return the reply of a call that may be repeated whatever became of it."""
    return Deferred(reply.failure) if isinstance(reply, InDoubt) else reply


def name_of(message: Message, msgid: object) -> ProviderMessageId:
    """Return the provider's id of a message, as `providers.wechat.callbacks` writes it.

    WeChat's page leaves ``msgid`` out, its answers to subscribe messages have it, those to
    customer-service messages do not. Without it the name is made of ours: unique, and unlike any of
    WeChat's, which are digits. Nothing that WeChat tells afterwards can be matched to such a
    message, since openid, template and second do not tell two of them apart.
    """
    if isinstance(msgid, int) and not isinstance(msgid, bool):
        msgid = str(msgid)
    if isinstance(msgid, str) and 0 < len(msgid) <= _LONGEST_ID and "\x00" not in msgid:
        return ProviderMessageId(f"{message.sender_id}:{msgid}")
    return ProviderMessageId(f"{message.sender_id}:sent:{message.message_id}")


def network(detail: str) -> Failure:
    """Return that the way to WeChat is at fault."""
    return Failure(ErrorCode.NETWORK_ERROR, Origin.LOCAL, detail=detail)


def _refused(code: str, words: str | None, now: datetime) -> Reply:
    failure = failure_of(code, words)
    # Where a later attempt may succeed, this is not the provider's last word but our conclusion.
    ours = replace(failure, origin=Origin.LOCAL)
    match meaning_of(code).follows:
        case FailureClass.RETRY:
            return Deferred(ours)
        case FailureClass.SENDER_THROTTLED:
            return Throttled(ours, Scope.SENDER, pause_of(code, now))
        case FailureClass.RECIPIENT_THROTTLED:
            return Throttled(ours, Scope.RECIPIENT, pause_of(code, now))
        case FailureClass.REFUSED:
            return Rejected(failure)
        case FailureClass.SENDER_BROKEN:
            return SenderBroken(ours)
        case FailureClass.IN_DOUBT:
            return InDoubt(ours)


def _may_be_done(status: int) -> bool:
    is_success = HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES
    return is_success or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def _code(value: object) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    # What is no number is no code; the HTTP status then decides.
    is_code = isinstance(value, str) and value.removeprefix("-").isdecimal() and value.isascii()
    return value if is_code and isinstance(value, str) and len(value) <= LONGEST_CODE else None
