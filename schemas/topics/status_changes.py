"""``status-changes``: every transition of every message, exactly once under read_committed."""

from datetime import timedelta
from typing import Annotated

import msgspec

from domain.failures import ErrorCode
from domain.lifecycle import Source, Status
from schemas.topics.records import ContextId, MessageIdField, Moment, Record, SenderIdField
from schemas.topics.topic import Topic


class ChangeError(Record, frozen=True, kw_only=True, rename="camel"):
    """Why a message failed: our code and the text that people are shown."""

    code: ErrorCode
    message: str
    provider_code: str | None = None


class StatusChanged(Record, frozen=True, kw_only=True, rename="camel"):
    """One transition of one message (ST-08). No content and no phone number, ever."""

    message_id: MessageIdField
    sequence: Annotated[int, msgspec.Meta(ge=1, description="1, 2, 3 … within the message.")]
    """The order of a message's changes is this number, not their arrival."""
    from_status: Status
    to_status: Status
    updated_at: Moment
    """When it happened, by the clock of whoever reported it."""
    recorded_at: Moment
    """When we learned it."""
    source: Source
    channel: str
    sender_id: SenderIdField
    sent_at: Moment
    """When the message was accepted by us (CF-42)."""
    delivered_at: Moment | None = None
    read_at: Moment | None = None
    failed_at: Moment | None = None
    error: ChangeError | None = None
    overruled: ErrorCode | None = None
    """Of a change that leaves ``failed``: the code of the failure that later evidence overruled."""
    tenant_id: ContextId | None = None
    case_id: ContextId | None = None
    queue_id: ContextId | None = None
    job_id: ContextId | None = None
    contact_id: ContextId | None = None
    order_id: ContextId | None = None
    conversation_id: ContextId | None = None
    """Of sender and recipient, the same for all their messages; tells nothing of either."""


STATUS_CHANGES: Topic[StatusChanged] = Topic(
    name="status-changes",
    model=StatusChanged,
    key=lambda change: change.message_id,
    key_meaning="The message id.",
    event_id=lambda change: f"{change.message_id}:{change.sequence}",
    subject=lambda change: change.message_id,
    event_type=lambda _: "sendtrail.status.changed.v1",
    purpose="Every status transition, once, numbered within its message.",
    retention=timedelta(days=30),
)
