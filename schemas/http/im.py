"""Bodies and answers of ``/api/v1/im/messages`` (ST-16, IM-37).

The body is described with msgspec, as the contents of messages are.
"""

from typing import Annotated, Any, Literal

import msgspec
from pydantic import AwareDatetime

from domain.content import LONGEST_TEXT
from domain.pacing import Priority
from schemas.http.envelope import Shape
from schemas.topics.records import (
    Command,
    ContextId,
    MessageIdField,
    Moment,
    ProviderIdField,
    SenderIdField,
)
from schemas.topics.send_requests import ChannelName, Fallback, Recipient

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_TEXT)]


class SendMessage(Command, frozen=True, kw_only=True, rename="camel"):
    """Send one message to one contact."""

    contact_id: ContextId
    message_type: str
    """The type of the content."""
    content: str | dict[str, Any]
    """A text as it is, or an object of the type, as on `send-requests`."""
    channel: ChannelName = "whatsapp"
    wa_account_type: ContextId | None = None
    wa_account_id: SenderIdField | None = None
    """Names the sending account where ``senderId`` does not."""
    case_id: ContextId | None = None
    tenant_id: ContextId | None = None
    queue_id: ContextId | None = None
    original_message_id: MessageIdField | None = None
    """The failed message that this one repeats (RT-05)."""
    recipient: Recipient | None = None
    """Without it, contactId is the address."""
    sender_id: SenderIdField | None = None
    """The sending account at the provider; without it the configured one."""
    scheduled_at: Moment | None = None
    """When to send; without it at once."""
    priority: Priority = "high"
    """High, since somebody waits for it (TP-04, IM-13)."""
    expires_at: Moment | None = None
    """Not sent any more from then on."""
    when_limited: Literal["fail", "wait"] = "fail"
    """What a used-up limit does to it: fails it, or keeps it for the next day (CF-17)."""
    reply_to: ProviderIdField | None = None
    """The message that it answers, shown with it."""
    fallback: Fallback | None = None
    """What is sent instead, should this one fail or not arrive (IM-58)."""


class MessageAccepted(Shape):
    """The message is ours to deliver."""

    message_id: str
    status: Literal["sending"] = "sending"
    """The public word until a provider has the message (CF-01)."""
    sent_at: AwareDatetime
    """When it was accepted (CF-42)."""
