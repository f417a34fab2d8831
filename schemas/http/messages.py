"""What people are shown of messages and conversations (ST-08, IM-27, IM-37, RT-04)."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from schemas.http.envelope import Shape
from schemas.http.message_statistics import Money
from schemas.http.moments import Instant


class StatusChange(Shape):
    """One transition of a message (ST-08)."""

    message_id: str
    from_status: str
    to_status: str
    updated_at: Instant = Field(description="When it happened.")
    source: str = Field(description="`webhook`, `polling` or `manual` (CF-54).")


class File(Shape):
    """What came with a message, or went out with it."""

    url: str | None = Field(description="Null until it is stored, and where it was lost.")
    name: str | None
    type: str | None
    error: str | None = Field(description="Why it was lost.")


class Message(Shape):
    """One message, as a list shows it. What is personal is null once the person was forgotten.

    Of one that was just handed over, its place and type are null until it is projected.
    """

    message_id: str
    conversation_id: str | None
    direction: str
    channel: str | None
    sender_id: str | None
    recipient: str | None = Field(description="The other side's address.")
    recipient_name: str | None
    type: str | None
    text: str | None = Field(description="What people read of it first.")
    file: File | None
    status: str
    sequence: int = Field(description="The number of its last transition.")
    sent_at: Instant
    delivered_at: Instant | None
    read_at: Instant | None
    failed_at: Instant | None
    error_code: str | None
    error_message: str | None
    retried: bool = Field(description="Sent again since: drawn grey (RT-04).")
    original_message_id: str | None
    category: str | None = Field(description="The provider's, once it told its price.")
    tenant_id: str | None
    contact_id: str | None
    order_id: str | None
    case_id: str | None
    queue_id: str | None
    agent_id: str | None
    job_id: str | None


class Participant(Shape):
    """One recipient of a message to several, or one member of a group."""

    participant: str | None = Field(description="Null once the person was forgotten.")
    status: str
    at: Instant
    error_code: str | None
    error_message: str | None


class Participants(Shape):
    """All of them in numbers, and the first of them by name."""

    total: int
    by_status: Mapping[str, int]
    first: list[Participant]


class Price(Shape):
    """What one message costs."""

    amount: Money | None = Field(description="By our table; null while it has not reached `sent`.")
    currency: str
    billable: bool | None = Field(description="What the provider says; null: nothing yet.")
    model: str | None
    kind: str | None


class MessageDetail(Message):
    """Everything a chat bubble needs."""

    content: Any = Field(description="The typed content, as it was sent or received.")
    context: Any = Field(description="What it answers or forwards, as received.")
    price: Price | None = Field(description="Null of what came in.")
    due_at: Instant | None = Field(
        None, description="When a timed one is to be handed over; null once it has a trail."
    )
    participants: Participants | None = Field(description="Null where there is one recipient.")


class MessagePage(Shape):
    """A page of a search."""

    items: list[Message]
    next_cursor: str | None = Field(description="Null: this was the last page.")


class HistoryPage(Shape):
    """A part of a conversation, with cursors for both directions."""

    items: list[Message]
    before: str | None = Field(description="Give it as `before` for what is older; null: nothing.")
    after: str | None = Field(
        description="Give it as `after` for what is newer, now or later; null of an empty history."
    )


class Conversation(Shape):
    """One conversation, with its newest message."""

    conversation_id: str
    channel: str
    sender_id: str
    recipient: str | None
    recipient_name: str | None
    tenant_id: str | None
    contact_id: str | None
    order_id: str | None = Field(description="Of our last message there.")
    unread: int
    last_at: Instant
    last_direction: str
    last_message_id: str
    last_type: str | None
    last_text: str | None
    last_status: str | None


class ConversationPage(Shape):
    """A page of conversations."""

    items: list[Conversation]
    unread: int | None = Field(
        description="Unread in all that are found, over all channels and pages; null where neither"
        " a contact, an order nor a phone was asked for."
    )
    next_cursor: str | None = Field(description="Null: this was the last page.")
