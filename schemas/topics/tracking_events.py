"""``tracking-events``: what people did in the console, for analytics (AN-02 to AN-05, IM-50).

``message_status_update`` (AN-01) is not among them: it is a record of ``status-changes``, told once
and complete, also where no console was open.
"""

from datetime import timedelta
from typing import Annotated, Final

import msgspec

from schemas.topics.records import ContextId, MessageIdField, Moment, Record
from schemas.topics.topic import Topic

MESSAGE_STATUS_UPDATE: Final = "message_status_update"
"""The name of AN-01."""

Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class _Tracked(Record, frozen=True, kw_only=True, rename="camel"):
    event_id: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    """Of the user's own making or derived: an event that is told twice carries the same."""
    at: Moment
    """When it happened, by the clock of the browser."""
    recorded_at: Moment
    """When it came to us."""
    user_id: ContextId
    tenant_id: ContextId | None = None


class StatusPollingSucceeded(
    _Tracked, frozen=True, kw_only=True, rename="camel", tag="status_polling_success"
):
    """A console that asked again and again for a status got its answer (AN-02)."""

    message_id: MessageIdField
    polling_count: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    """How often it asked."""


class StatusPollingFailed(
    _Tracked, frozen=True, kw_only=True, rename="camel", tag="status_polling_failure"
):
    """A console gave up asking for a status (AN-03)."""

    error_message: Reason


class MessageRetryClicked(
    _Tracked, frozen=True, kw_only=True, rename="camel", tag="message_retry_click"
):
    """Somebody asked to send a failed message again (AN-04)."""

    message_id: MessageIdField
    """The one that failed."""
    failure_reason: Reason


class MessageRetrySucceeded(
    _Tracked, frozen=True, kw_only=True, rename="camel", tag="message_retry_success"
):
    """A failed message was sent again as another one (AN-05)."""

    original_message_id: MessageIdField
    new_message_id: MessageIdField


TrackedEvent = (
    StatusPollingSucceeded | StatusPollingFailed | MessageRetryClicked | MessageRetrySucceeded
)


def key_of(event: TrackedEvent) -> str:
    """Return the message it is about, the original where there are two; else the user."""
    match event:
        case StatusPollingSucceeded() | MessageRetryClicked():
            return event.message_id
        case MessageRetrySucceeded():
            return event.original_message_id
        case StatusPollingFailed():
            return event.user_id


def name_of(event: TrackedEvent) -> str:
    """Return its name, as AN has it."""
    return str(type(event).__struct_config__.tag)


TRACKING_EVENTS: Topic[TrackedEvent] = Topic(
    name="tracking-events",
    model=TrackedEvent,
    key=key_of,
    key_meaning="The message it is about, the original where there are two; else the user.",
    event_id=lambda event: f"{event.user_id}:{event.event_id}",
    subject=key_of,
    event_type=lambda event: f"sendtrail.tracked.{name_of(event)}.v1",
    purpose="What people did in the console, for analytics.",
    retention=timedelta(days=30),
)
