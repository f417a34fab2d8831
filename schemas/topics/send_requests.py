"""``send-requests``: one message to one recipient, asked for by anyone."""

from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec

from domain.failures import ErrorCode
from domain.identity import SenderId, conversation
from schemas.topics.contents import Content
from schemas.topics.records import (
    ChannelName,
    Command,
    ContextId,
    MessageIdField,
    Moment,
    ProviderIdField,
    SenderIdField,
)
from schemas.topics.topic import Topic

_YEARS = (2000, 2999)

Recipient = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=128,
        description="WhatsApp: E.164 with its plus, or a business-scoped user id. WeCom: a userid,"
        " `chat:` and a chat id, `robot:` and a robot's name, of a group send any name. WeChat: an"
        " openid.",
    ),
]


class Fallback(Command, frozen=True, kw_only=True, rename="camel"):
    """What is sent instead, as a message of its own that names this one (IM-58).

    What it does not say is as in the request.
    """

    content: Content
    channel: ChannelName | None = None
    sender_id: SenderIdField | None = None
    recipient: Recipient | None = None
    on_errors: Annotated[tuple[ErrorCode, ...], msgspec.Meta(max_length=20)] = ()
    """Sent when the message fails with one of these; empty: whatever the error is."""
    unless: Literal["sent", "delivered", "read"] | None = None
    """Sent when the message has not come so far in time; None: only on failure."""
    after: Annotated[int, msgspec.Meta(ge=1, le=86_400, description="Seconds.")] | None = None
    """That time, from the request on."""

    def __post_init__(self) -> None:
        """Refuse a state without a time and a time without a state."""
        if (self.unless is None) != (self.after is None):
            raise ValueError("`unless` and `after` must be given together")


class SendRequested(Command, frozen=True, kw_only=True, rename="camel"):
    """Send this message. The same ``messageId`` again is the same message, not another one."""

    message_id: MessageIdField
    channel: ChannelName
    sender_id: SenderIdField
    recipient: Recipient
    content: Content
    requested_at: Moment
    """When it was accepted; the message's ``sentAt`` (CF-42)."""
    resend_in_doubt: bool = False
    """Whether it may be sent a second time when nobody can tell if the first one arrived."""
    priority: Literal["high", "medium", "low"] = "medium"
    """High: somebody waits for it, so it goes before whatever is queued (TP-04, IM-13)."""
    expires_at: Moment | None = None
    """Not sent any more from then on."""
    when_limited: Literal["fail", "wait"] = "fail"
    """What a used-up limit does to it: fails it, or keeps it for the next day (CF-17)."""
    reply_to: ProviderIdField | None = None
    """The message that it answers, shown with it."""
    fallback: Fallback | None = None
    tenant_id: ContextId | None = None
    contact_id: ContextId | None = None
    """The caller's name of the recipient; of a push, the group's id."""
    order_id: ContextId | None = None
    agent_id: ContextId | None = None
    """Who of ours sends it (WA-13: the technician)."""
    case_id: ContextId | None = None
    queue_id: ContextId | None = None
    wa_account_type: ContextId | None = None
    wa_account_id: ContextId | None = None
    job_id: ContextId | None = None
    """The run that it belongs to: a job, a push, or a group send in decimal digits."""
    original_message_id: MessageIdField | None = None

    def __post_init__(self) -> None:
        """Refuse a time that has no place in the calendar once it is turned into UTC."""
        _must_be_in_calendar("requestedAt", self.requested_at)
        if self.expires_at is not None:
            _must_be_in_calendar("expiresAt", self.expires_at)


def _must_be_in_calendar(field: str, moment: datetime) -> None:
    if not _YEARS[0] <= moment.year <= _YEARS[1]:
        raise ValueError(f"`{field}` is outside the years {_YEARS[0]} to {_YEARS[1]}")


def conversation_of(request: SendRequested) -> str:
    """Return the key that keeps one recipient's messages in order (IM-03)."""
    return conversation(request.channel, SenderId(request.sender_id), request.recipient)


SEND_REQUESTS: Topic[SendRequested] = Topic(
    name="send-requests",
    model=SendRequested,
    key=conversation_of,
    key_meaning="`channel:senderId:recipient`: one recipient's messages keep their order.",
    event_id=lambda request: request.message_id,
    subject=lambda request: request.message_id,
    event_type=lambda _: "sendtrail.send.requested.v1",
    purpose="Asks for one message to one recipient.",
    retention=timedelta(days=7),
    is_sealed=True,
)
