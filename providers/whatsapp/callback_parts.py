"""How one part of a WhatsApp callback becomes an event (PC-01, PC-06, PC-07).

A part is one status or one inbound message. What identifies it is read strictly, since consumers
would refuse it later; what only explains it (errors, our own id) is read as far as it makes sense.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, TypeVar, cast

import msgspec

from providers.callbacks import MalformedCallback
from providers.whatsapp.failures import failure_of
from schemas.topics.provider_events import FailureReason, MessageReceived, StatusReported
from schemas.topics.records import MessageIdField

Event = StatusReported | MessageReceived

LARGEST_CONTENT = 512 * 1_024
"""Bytes of one inbound message. A broker takes records of 1 MB by default: a larger one would be
refused at each of the provider's attempts, and the updates beside it with it."""

_HANDLED: Final = frozenset({"text", "image", "document", "audio", "video"})
"""Types without which their typed part makes no sense (PC-06). Others are kept as they come."""

_STATUSES: Final[dict[str, Literal["sent", "delivered", "read", "failed"]]] = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "failed": "failed",
}

# PostgreSQL keeps no NUL in a text.
_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=255, pattern=r"^[^\x00]*$")]
_ShortText = Annotated[str, msgspec.Meta(min_length=1, max_length=50, pattern=r"^[^\x00]*$")]
_SenderText = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]
_Time = int | float | str

P = TypeVar("P")


class UnknownStatus(ValueError):
    """A status that changes nothing for us (CF-09)."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


class _Status(msgspec.Struct, gc=False):
    id: _Text
    status: str
    timestamp: _Time
    biz_opaque_callback_data: Any = None
    errors: Any = None


class _FlatStatus(msgspec.Struct, rename="camel", gc=False):
    message_id: _Text
    status: str
    timestamp: _Time
    error: Any = None


class _Message(msgspec.Struct, gc=False):
    id: _Text
    type: _ShortText
    timestamp: _Time
    author: _Text | None = msgspec.field(default=None, name="from")
    from_user_id: _Text | None = None


class _Metadata(msgspec.Struct, gc=False):
    phone_number_id: _SenderText


def status(part: Mapping[str, Any], sender: str | None) -> StatusReported:
    """Return what one of ``statuses[]`` reports.

    Raises `UnknownStatus`, or `MalformedCallback` with a field of the part.
    """
    read = _read(part, _Status)
    return _reported(
        read.id,
        read.status,
        read.timestamp,
        error=_first(read.errors),
        message_id=_our_id(read.biz_opaque_callback_data),
        sender=sender,
    )


def flat_status(body: Mapping[str, Any]) -> StatusReported:
    """Return what a flat callback reports; raises as `status` does."""
    read = _read(body, _FlatStatus)
    return _reported(read.message_id, read.status, read.timestamp, error=read.error)


def message(part: Mapping[str, Any], sender: str) -> MessageReceived:
    """Return one of ``messages[]``; raises `MalformedCallback` with a field of the part.

    The author is the phone number, or where the person hides it, the business-scoped user id.
    """
    read = _read(part, _Message)
    author = read.author or read.from_user_id
    if author is None:
        raise MalformedCallback("from", "missing, and from_user_id too")
    return MessageReceived(
        channel="whatsapp",
        provider_message_id=read.id,
        sender_id=sender,
        author=author,
        message_type=read.type,
        content=_content(part, read.type),
        occurred_at=_moment(read.timestamp),
    )


def sender_of(value: Mapping[str, Any]) -> str | None:
    """Return which of our numbers a change is about; None where that cannot be read."""
    try:
        return msgspec.convert(value.get("metadata"), _Metadata).phone_number_id
    except msgspec.ValidationError:
        return None


def _reported(
    provider_id: str,
    word: str,
    timestamp: _Time,
    *,
    error: object,
    message_id: str | None = None,
    sender: str | None = None,
) -> StatusReported:
    known = _STATUSES.get(word)
    if known is None:
        raise UnknownStatus(word)
    return StatusReported(
        channel="whatsapp",
        provider_message_id=provider_id,
        message_id=message_id,
        status=known,
        occurred_at=_moment(timestamp),
        sender_id=sender,
        failure=_failure(error) if known == "failed" else None,
    )


def _read(part: Mapping[str, Any], shape: type[P]) -> P:
    try:
        return msgspec.convert(part, shape)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `$.")
        if place:
            raise MalformedCallback(place.rstrip("`"), problem) from error
        missing = problem.rpartition("required field `")[2].rstrip("`")
        raise MalformedCallback(missing, "missing") from error


def _moment(timestamp: _Time) -> datetime:
    """Read Unix seconds, as a number or in digits, or ISO 8601 with an offset."""
    try:
        if not isinstance(timestamp, str):
            return datetime.fromtimestamp(timestamp, UTC)
        if timestamp.isdecimal():
            return datetime.fromtimestamp(int(timestamp), UTC)
        moment = datetime.fromisoformat(timestamp)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise MalformedCallback("timestamp", "neither Unix seconds nor ISO 8601") from error
    raise MalformedCallback("timestamp", "has no offset from UTC")


def _our_id(opaque: object) -> str | None:
    # Others who send from the same number put their own data there.
    try:
        return msgspec.convert(opaque, MessageIdField)
    except msgspec.ValidationError:
        return None


def _first(errors: object) -> object:
    if not isinstance(errors, list):
        return errors
    return next(iter(cast("list[object]", errors)), None)


def _failure(error: object) -> FailureReason:
    """Read an error: words alone, or an object with a code (CF-09)."""
    code, title, details = None, error, None
    if isinstance(error, dict):
        described = cast("dict[str, object]", error)
        code = described.get("code")
        title = described.get("title") or described.get("message")
        details = described.get("error_data")
        if isinstance(details, dict):
            details = cast("dict[str, object]", details).get("details")
    failure = failure_of(
        code if isinstance(code, int | str) else None,
        title if isinstance(title, str) else None,
        details if isinstance(details, str) else None,
    )
    return FailureReason(
        code=failure.code,
        origin=failure.origin,
        provider_code=failure.provider_code,
        detail=failure.detail,
    )


def _content(part: Mapping[str, Any], kind: str) -> dict[str, Any]:
    typed: object = part.get(kind)
    if isinstance(typed, dict):
        content = cast("dict[str, Any]", typed)
    elif kind in _HANDLED:
        raise MalformedCallback(kind, "missing or no object")
    else:
        # `contacts` is a list, `unsupported` may have no part at all.
        content = {} if typed is None else {kind: typed}
    if len(msgspec.json.encode(content)) > LARGEST_CONTENT:
        raise MalformedCallback(kind, f"larger than {LARGEST_CONTENT} bytes")
    return content
