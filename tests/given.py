"""Records for tests: a builder a type, whose arguments are what matters to the test at hand."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import msgspec

from domain.failures import ErrorCode, Origin
from domain.lifecycle import Source, Status
from schemas.topics.contents import TextContent
from schemas.topics.provider_events import FailureReason, MessageReceived, StatusReported
from schemas.topics.send_requests import SendRequested
from schemas.topics.status_changes import StatusChanged

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
"""When things happen unless a test says otherwise."""

SENDER = "106540352242922"
"""The sending number that the simulator knows."""

RECIPIENT = "+16505550001"
"""To the simulator an ordinary person, who reads what arrives."""


def a_message_id() -> str:
    """Return an id that no other test uses."""
    return f"msg_{uuid4().hex}"


def a_send_request(**what_matters: Any) -> SendRequested:  # noqa: ANN401 - any field of the record
    """Return a request for one text to one person."""
    request = SendRequested(
        message_id=a_message_id(),
        channel="whatsapp",
        sender_id=SENDER,
        recipient=RECIPIENT,
        content=TextContent(body="Hi Ada, your order A-17 is ready for pickup."),
        requested_at=NOON,
    )
    return msgspec.structs.replace(request, **what_matters)


def a_status_reported(**what_matters: Any) -> StatusReported:  # noqa: ANN401 - any field of the record
    """Return a provider's report that a message was delivered."""
    report = StatusReported(
        channel="whatsapp",
        provider_message_id=f"wamid.{uuid4().hex}",
        status="delivered",
        occurred_at=NOON,
        sender_id=SENDER,
    )
    return msgspec.structs.replace(report, **what_matters)


def a_message_received(**what_matters: Any) -> MessageReceived:  # noqa: ANN401 - any field of the record
    """Return a text that the recipient wrote to the sender."""
    message = MessageReceived(
        channel="whatsapp",
        provider_message_id=f"wamid.{uuid4().hex}",
        sender_id=SENDER,
        author=RECIPIENT.removeprefix("+"),
        message_type="text",
        content={"body": "Where is my order?"},
        occurred_at=NOON,
    )
    return msgspec.structs.replace(message, **what_matters)


def a_status_changed(**what_matters: Any) -> StatusChanged:  # noqa: ANN401 - any field of the record
    """Return the first transition of a message: taken by a dispatcher."""
    change = StatusChanged(
        message_id=a_message_id(),
        sequence=1,
        from_status=Status.PENDING,
        to_status=Status.SENDING,
        updated_at=NOON,
        recorded_at=NOON,
        source=Source.MANUAL,
        channel="whatsapp",
        sender_id=SENDER,
        sent_at=NOON,
    )
    return msgspec.structs.replace(change, **what_matters)


def a_failure(**what_matters: Any) -> FailureReason:  # noqa: ANN401 - any field of the record
    """Return a provider's refusal: the recipient is not on WhatsApp."""
    failure = FailureReason(
        code=ErrorCode.INVALID_RECIPIENT, origin=Origin.PROVIDER, provider_code="131026"
    )
    return msgspec.structs.replace(failure, **what_matters)
