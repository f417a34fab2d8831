"""``provider-events``: what became of a message, as a dispatcher or a provider tells it."""

from datetime import timedelta
from typing import Annotated, Any, Literal

import msgspec

from domain.failures import ErrorCode, Origin
from domain.identity import MessageId, callback_event_id, reply_event_id
from schemas.topics.records import (
    Attempt,
    MessageIdField,
    Moment,
    ProviderIdField,
    Record,
    SenderIdField,
)
from schemas.topics.topic import Topic


class FailureReason(Record, frozen=True, kw_only=True, rename="camel"):
    """Why a message failed, in our words and in the provider's (CF-38, IM-09)."""

    code: ErrorCode
    origin: Origin
    provider_code: str | None = None
    detail: str | None = None


class SendStarted(Record, frozen=True, kw_only=True, rename="camel", tag="send.started"):
    """A dispatcher took the message and is about to call the provider."""

    message_id: MessageIdField
    attempt: Attempt
    at: Moment


class SendAccepted(Record, frozen=True, kw_only=True, rename="camel", tag="send.accepted"):
    """The provider accepted the message and named it."""

    message_id: MessageIdField
    provider_message_id: ProviderIdField
    attempt: Attempt
    at: Moment


class SendRejected(Record, frozen=True, kw_only=True, rename="camel", tag="send.rejected"):
    """The message will not be sent."""

    message_id: MessageIdField
    attempt: Attempt
    at: Moment
    failure: FailureReason


class SendDeferred(Record, frozen=True, kw_only=True, rename="camel", tag="send.deferred"):
    """Nothing was sent; the next attempt is at ``until``."""

    message_id: MessageIdField
    attempt: Attempt
    at: Moment
    until: Moment
    failure: FailureReason


class StatusReported(Record, frozen=True, kw_only=True, rename="camel", tag="status.reported"):
    """A provider's callback about a message (PC-01, PC-07)."""

    channel: Literal["whatsapp"]
    provider_message_id: ProviderIdField
    message_id: MessageIdField | None = None
    """Ours, where the provider gave it back (``biz_opaque_callback_data``)."""
    status: Literal["sent", "delivered", "read", "failed"]
    occurred_at: Moment
    sender_id: SenderIdField | None = None
    failure: FailureReason | None = None
    """With ``failed`` only."""


class MessageReceived(Record, frozen=True, kw_only=True, rename="camel", tag="message.received"):
    """Somebody wrote to one of our numbers (PC-06, IN-01)."""

    channel: Literal["whatsapp"]
    provider_message_id: ProviderIdField
    sender_id: SenderIdField
    """The number of ours that was written to."""
    author: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    """Who wrote: a phone number, or a business-scoped user id."""
    message_type: Annotated[str, msgspec.Meta(min_length=1, max_length=50)]
    content: dict[str, Any]
    """The typed part as received: ``{"body": …}`` for a text."""
    occurred_at: Moment


DispatchEvent = SendStarted | SendAccepted | SendRejected | SendDeferred
ProviderEvent = DispatchEvent | StatusReported | MessageReceived


def key_of(event: ProviderEvent) -> str:
    """Return our message id where it is known, else the provider's."""
    if isinstance(event, MessageReceived):
        return event.provider_message_id
    return event.message_id or event.provider_message_id  # type: ignore[union-attr]


def event_id_of(event: ProviderEvent) -> str:
    """Return the id that every repetition of the event carries (IM-04)."""
    if isinstance(event, StatusReported):
        moment = event.occurred_at.isoformat()
        return callback_event_id(event.provider_message_id, event.status, moment)
    if isinstance(event, MessageReceived):
        return event.provider_message_id
    kind = type(event).__struct_config__.tag
    return reply_event_id(MessageId(event.message_id), str(kind), event.attempt)


PROVIDER_EVENTS: Topic[ProviderEvent] = Topic(
    name="provider-events",
    model=ProviderEvent,
    key=key_of,
    key_meaning="Our message id where it is known, else the provider's message id.",
    event_id=event_id_of,
    subject=key_of,
    event_type=lambda event: f"sendtrail.{type(event).__struct_config__.tag}.v1",
    purpose="Facts from dispatchers and providers about messages.",
    retention=timedelta(days=7),
)
