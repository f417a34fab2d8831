"""What one status of a WhatsApp callback becomes (PC-01, PC-07, CF-09, WA 8)."""

from typing import Any, Final, Literal

import msgspec

from providers.callbacks import MalformedCallback
from providers.whatsapp.callback_notices import notice
from providers.whatsapp.callback_parts import (
    Object,
    Source,
    Time,
    errors_of,
    moment_of,
    moment_or_none,
    object_of,
    read,
    text_of,
    word_of,
)
from providers.whatsapp.failures import failure_of
from schemas.topics.provider_events import (
    Conversation,
    FailureReason,
    NoticeReceived,
    Pricing,
    ProviderError,
    StatusReported,
)
from schemas.topics.records import MessageIdField, ProviderIdField

_STATUSES: Final[dict[str, Literal["sent", "delivered", "read", "failed"]]] = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "failed": "failed",
}

_ABOUT_MESSAGES: Final = "message"
"""``type`` of a status that older versions write; of a payment it is ``payment``."""


class _Status(msgspec.Struct, gc=False):
    id: ProviderIdField
    status: str
    timestamp: Time


class _Opaque(msgspec.Struct, gc=False):
    biz_opaque_callback_data: MessageIdField | None = None


class _FlatStatus(msgspec.Struct, rename="camel", gc=False):
    message_id: ProviderIdField
    status: str
    timestamp: Time
    error: Any = None


def status(part: Object, source: Source) -> StatusReported | NoticeReceived:
    """Return what one of ``statuses[]`` says; raises `MalformedCallback` with a field of it.

    Notices are the words that do not say how far a message came (``played``, ``deleted``,
    ``warning``, one of the future), and all words about anything else: a payment may fail too.
    """
    kind = _kind_of_notice(part)
    if kind is not None:
        about, moment = text_of(part.get("id")), moment_or_none(part.get("timestamp"))
        return notice(kind, part, source, about=about, at=moment)
    read_status = read(part, _Status)
    word = _STATUSES[read_status.status]
    errors = errors_of(part.get("errors"))
    conversation = part.get("conversation")
    return StatusReported(
        channel="whatsapp",
        provider_message_id=read_status.id,
        message_id=_our_id(part),
        status=word,
        occurred_at=moment_of(read_status.timestamp),
        sender_id=source.sender_id,
        failure=_failure(errors) if word == "failed" else None,
        errors=errors,
        account_id=source.account_id,
        participant=_participant(part),
        pricing=_pricing(part.get("pricing") or object_of(conversation).get("pricing")),
        conversation=_conversation(conversation),
    )


def flat_status(body: Object) -> StatusReported | NoticeReceived:
    """Return what a flat callback says (PC-01); raises as `status` does."""
    flat = read(body, _FlatStatus)
    moment = moment_of(flat.timestamp)
    word = _STATUSES.get(flat.status)
    if word is None:
        return notice(_kind(flat.status), body, Source(), about=flat.message_id, at=moment)
    errors = errors_of(flat.error)
    return StatusReported(
        channel="whatsapp",
        provider_message_id=flat.message_id,
        status=word,
        occurred_at=moment,
        failure=_failure(errors) if word == "failed" else None,
        errors=errors,
    )


def _kind_of_notice(part: Object) -> str | None:
    """Return the kind of notice that a status is; None where it is one of ours or none at all."""
    word, subject = part.get("status"), part.get("type", _ABOUT_MESSAGES)
    if not isinstance(word, str):
        return None  # reading it will tell what is wrong
    if subject != _ABOUT_MESSAGES and isinstance(subject, str):
        return _kind(f"{subject}.{word}")
    return None if word in _STATUSES else _kind(word)


def _kind(word: str) -> str:
    kind = word_of(f"status.{word}")
    if not word or kind is None:
        raise MalformedCallback("status", "must be a word")
    return kind


def _our_id(part: Object) -> str | None:
    # Others who send from the same number put their own data there.
    try:
        return msgspec.convert(part, _Opaque).biz_opaque_callback_data
    except msgspec.ValidationError:
        return None


def _participant(part: Object) -> str | None:
    """Return which member of a group it is about, as Meta's pages spell it (WA 8)."""
    return text_of(
        part.get("recipient_participant_id")
        or part.get("participant_recipient_id")
        or part.get("recipient_participant_user_id")  # who hides the number
    )


def _pricing(told: object) -> Pricing | None:
    terms = object_of(told)
    if not terms:
        return None
    billable = terms.get("billable")
    pricing = Pricing(
        model=word_of(terms.get("pricing_model")),
        kind=word_of(terms.get("type")),
        category=word_of(terms.get("category")),
        billable=billable if isinstance(billable, bool) else None,
    )
    return None if pricing == _NO_PRICING else pricing


_NO_PRICING: Final = Pricing()


def _conversation(told: object) -> Conversation | None:
    if told is None:
        return None
    described = object_of(told)
    identifier = word_of(described.get("id"))
    if identifier is None:
        return None
    return Conversation(
        id=identifier,
        origin=word_of(object_of(described.get("origin")).get("type")),
        expires_at=moment_or_none(described.get("expiration_timestamp")),
    )


def _failure(errors: tuple[ProviderError, ...]) -> FailureReason:
    first = errors[0] if errors else ProviderError()
    failure = failure_of(first.code, first.title, first.detail)
    return FailureReason(
        code=failure.code,
        origin=failure.origin,
        provider_code=failure.provider_code,
        detail=failure.detail,
    )
