"""``send-requests``: one message to one recipient, asked for by anyone."""

from datetime import timedelta
from typing import Annotated, Literal

import msgspec

from domain.content import LONGEST_TEXT
from domain.identity import SenderId, conversation
from schemas.topics.records import Command, ContextId, MessageIdField, Moment, SenderIdField
from schemas.topics.topic import Topic

_YEARS = (2000, 2999)


class TextContent(Command, frozen=True, kw_only=True, rename="camel", tag_field="type", tag="text"):
    """A plain text (WA-05)."""

    body: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_TEXT)]
    preview_url: bool = False


Content = TextContent


class SendRequested(Command, frozen=True, kw_only=True, rename="camel"):
    """Send this message. The same ``messageId`` again is the same message, not another one."""

    message_id: MessageIdField
    channel: Literal["whatsapp"]
    sender_id: SenderIdField
    recipient: Annotated[
        str, msgspec.Meta(min_length=1, max_length=20, description="E.164, with its plus.")
    ]
    content: Content
    requested_at: Moment
    """When it was accepted; the message's ``sentAt`` (CF-42)."""
    resend_in_doubt: bool = False
    """Whether it may be sent a second time when nobody can tell if the first one arrived."""
    tenant_id: ContextId | None = None
    contact_id: ContextId | None = None
    case_id: ContextId | None = None
    queue_id: ContextId | None = None
    wa_account_type: ContextId | None = None
    wa_account_id: ContextId | None = None
    job_id: ContextId | None = None
    original_message_id: MessageIdField | None = None

    def __post_init__(self) -> None:
        """Refuse a time that has no place in the calendar once it is turned into UTC."""
        if not _YEARS[0] <= self.requested_at.year <= _YEARS[1]:
            raise ValueError(f"`requestedAt` is outside the years {_YEARS[0]} to {_YEARS[1]}")


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
)
