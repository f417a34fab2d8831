"""What an answer of the API means (IM-08, IM-09; fact sheet 2.3, 2.4). Pure.

The error code in the body decides and not the HTTP status: the same code comes under several,
errors come under 200, and what stands in front of the API answers in HTML.
"""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final, cast

import httpx
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
from providers.whatsapp.failures import class_of, failure_of, throttle_of

HIDDEN_ACCEPTANCE: Final = timedelta(seconds=5)
"""A 5xx, with a code or without, and any answer of a gateway may hide an accepted send: for so long
its callback is waited for before the call is repeated."""

NotAccepted = Deferred | Rejected | Throttled | SenderBroken | InDoubt

LONGEST_ID: Final = 255
"""Characters of a provider's message id; Meta's have up to 128."""

_STATUSES: Final = frozenset(HTTPStatus)

LONGEST_NUMBER: Final = 20
"""Digits of a ``Retry-After`` that are read; nine are 31 years."""


def reply_to_send(response: httpx.Response) -> Reply:
    """Return what the answer to a send means."""
    body = object_of(response)
    if not response.is_success:
        return reply_to_error(response)
    if "messages" in body:
        return _accepted(body)
    if _has_code(body):
        return reply_to_error(response)
    return _without_id()


def reply_to_error(response: httpx.Response) -> NotAccepted:
    """Return what an answer means that is no success, by its code where it has one."""
    body = object_of(response)
    error: Any = body.get("error")
    if isinstance(error, dict) and "code" in error:
        return _refused(response, cast("dict[str, Any]", error))
    return _without_code(response)


def object_of(response: httpx.Response) -> dict[str, Any]:
    """Return the JSON object that the answer holds, an empty one where it holds none."""
    try:
        body = msgspec.json.decode(response.content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return cast("dict[str, Any]", body) if isinstance(body, dict) else {}


def retry_after(response: httpx.Response, now: datetime) -> timedelta | None:
    """Return the pause the answer asks for: seconds or a date; None for anything else."""
    text = response.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        # Cut before it is read: Python refuses numbers of thousands of digits.
        return timedelta(seconds=min(int(text[:LONGEST_NUMBER]), timedelta.max.days))
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return max(moment.replace(tzinfo=moment.tzinfo or UTC) - now, timedelta())


def network_error(detail: str) -> Failure:
    """Return what we call whatever stands between the API and us."""
    return Failure(ErrorCode.NETWORK_ERROR, Origin.LOCAL, detail=detail)


def _accepted(body: dict[str, Any]) -> Reply:
    try:
        provider_message_id = body["messages"][0]["id"]
    except (KeyError, IndexError, TypeError):
        provider_message_id = None
    if isinstance(provider_message_id, str) and _is_storable(provider_message_id):
        return Accepted(ProviderMessageId(provider_message_id))
    return _without_id()


def _without_id() -> InDoubt:
    # A success without a message id that we can keep: it may well have been sent.
    return InDoubt(Failure(ErrorCode.UNKNOWN_ERROR, Origin.LOCAL, detail="answer without an id"))


def _refused(response: httpx.Response, error: dict[str, Any]) -> NotAccepted:
    code = _code(error.get("code"))
    data: Any = error.get("error_data")
    details = cast("dict[str, Any]", data).get("details") if isinstance(data, dict) else data
    failure = failure_of(code, _text(error.get("message")), _text(details))
    # Where a later attempt may succeed, this is not the provider's last word but our conclusion.
    ours = Failure(failure.code, Origin.LOCAL, failure.provider_code, failure.detail)
    asked = retry_after(response, datetime.now(UTC))
    match class_of(code, response.status_code):
        case FailureClass.RETRY:
            return Deferred(ours, _no_sooner(asked) if response.is_server_error else asked)
        case FailureClass.SENDER_THROTTLED:
            throttle = throttle_of(code)
            return Throttled(ours, throttle.scope, asked or throttle.pause)
        case FailureClass.RECIPIENT_THROTTLED:
            return Throttled(ours, Scope.RECIPIENT, asked)
        case FailureClass.REFUSED:
            return Rejected(failure)
        case FailureClass.SENDER_BROKEN:
            return SenderBroken(ours)
        case FailureClass.IN_DOUBT:
            return InDoubt(failure)


def _without_code(response: httpx.Response) -> NotAccepted:
    detail = f"WhatsApp API Error: {_status_text(response.status_code)}"  # WA-03
    pause = _no_sooner(retry_after(response, datetime.now(UTC)))
    if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
        return Throttled(network_error(detail), Scope.SENDER, pause)
    if response.is_server_error or response.status_code == HTTPStatus.REQUEST_TIMEOUT:
        return Deferred(network_error(detail), pause)
    return Rejected(Failure(ErrorCode.UNKNOWN_ERROR, Origin.PROVIDER, detail=detail))


def _status_text(status: int) -> str:
    # As the standard words it: what the line says is anybody's, and HTTP/2 has none.
    return HTTPStatus(status).phrase if status in _STATUSES else f"HTTP {status}"


def _no_sooner(asked: timedelta | None) -> timedelta:
    return max(asked or timedelta(), HIDDEN_ACCEPTANCE)


def _has_code(body: dict[str, Any]) -> bool:
    error: Any = body.get("error")
    return isinstance(error, dict) and _code(cast("dict[str, Any]", error).get("code")) is not None


def _code(value: object) -> int | str | None:
    # A code of another type is no code; the HTTP status then decides.
    return value if isinstance(value, int | str) and not isinstance(value, bool) else None


def _is_storable(provider_message_id: str) -> bool:
    return 0 < len(provider_message_id) <= LONGEST_ID and "\x00" not in provider_message_id


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
