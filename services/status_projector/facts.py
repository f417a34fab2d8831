"""What an event says of a message's life, and who says so."""

from typing import assert_never

from domain.failures import ErrorCode, Failure, Origin
from domain.lifecycle import Delivered, Fact, Failed, Read, Sent, Source, Started
from domain.masking import without_numbers
from schemas.topics.provider_events import (
    FailureReason,
    MessageEvent,
    ProviderEvent,
    SendAccepted,
    SendDeferred,
    SendRejected,
    SendStarted,
    StatusReported,
)
from schemas.topics.send_requests import SendRequested
from schemas.topics.task_changes import TaskEvent


def fact_of(event: MessageEvent) -> Fact | None:
    """Return what the event says of the message's life; None where it says nothing of it."""
    match event:
        case SendStarted():
            return Started(event.at)
        case SendAccepted():
            # Where results follow, the provider has a task: nobody has been written to yet.
            return None if event.results_follow else Sent(event.at)
        case SendRejected():
            return Failed(event.at, failure_of(event.failure))
        case StatusReported():
            return reported(event) if event.participant is None else None
        case SendDeferred():
            return None
        case _:
            assert_never(event)


def reported(event: StatusReported) -> Fact:
    """Return what the provider says of the message, or of one participant."""
    match event.status:
        case "sent":
            return Sent(event.occurred_at)
        case "delivered":
            return Delivered(event.occurred_at)
        case "read":
            return Read(event.occurred_at)
        case "failed":
            return Failed(event.occurred_at, failure_of(event.failure))
        case _:
            assert_never(event.status)


def source_of(event: MessageEvent) -> Source:
    """Return where the event's knowledge came from (CF-54)."""
    if isinstance(event, StatusReported):
        return Source.POLLING if event.polled else Source.WEBHOOK
    if isinstance(event, SendAccepted):
        return Source.WEBHOOK
    if isinstance(event, SendRejected) and event.failure.origin is Origin.PROVIDER:
        return Source.WEBHOOK
    return Source.MANUAL


def failure_of(reason: FailureReason | None) -> Failure:
    """Return the failure that was reported; a report without a reason is one of its own."""
    if reason is None:
        return Failure(ErrorCode.UNKNOWN_ERROR, Origin.PROVIDER)
    # Providers repeat whom they could not reach.
    detail = None if reason.detail is None else without_numbers(reason.detail)
    return Failure(reason.code, reason.origin, reason.provider_code, detail)


def names_in(value: SendRequested | ProviderEvent | TaskEvent) -> tuple[str | None, str | None]:
    """Return the names under which an event's message may become known: ours, the provider's."""
    if isinstance(value, StatusReported):
        return value.message_id, value.provider_message_id
    return (
        (value.message_id, None)
        if isinstance(value, SendRequested | MessageEvent)
        else (None, None)
    )


def provider_id_of(event: MessageEvent) -> str | None:
    """Return the provider's message id that the event names."""
    if isinstance(event, SendAccepted | StatusReported):
        return event.provider_message_id
    return None
