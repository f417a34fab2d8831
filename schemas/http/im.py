"""Bodies and answers of ``/api/v1/im/messages`` (ST-16, IM-37)."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StringConstraints

from domain.content import LONGEST_TEXT
from schemas.http.envelope import Shape

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}T")


def _without_nul(text: str) -> str:
    # PostgreSQL stores no text that contains it.
    if "\x00" in text:
        raise ValueError("must not contain the NUL character")
    return text


def _iso(value: object) -> object:
    # pydantic would also read numbers and take them for seconds.
    if not isinstance(value, str) or _ISO.match(value) is None:
        raise ValueError("must be ISO 8601 with its offset from UTC")
    return value


Id = Annotated[str, StringConstraints(min_length=1, max_length=100), AfterValidator(_without_nul)]
Sender = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_@-][A-Za-z0-9_@.-]{0,63}$")]
Text = Annotated[
    str, StringConstraints(min_length=1, max_length=LONGEST_TEXT), AfterValidator(_without_nul)
]
OurMessageId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]
Moment = Annotated[AwareDatetime, BeforeValidator(_iso)]


class SendMessage(Shape):
    """Send one message to one contact."""

    contact_id: Id
    message_type: Literal["text"]
    content: Text
    wa_account_type: Id | None = None
    wa_account_id: Sender | None = None
    """Names the sending account where ``senderId`` does not."""
    case_id: Id | None = None
    tenant_id: Id | None = None
    queue_id: Id | None = None
    original_message_id: OurMessageId | None = None
    """The failed message that this one repeats (RT-05)."""
    recipient: Annotated[
        Annotated[str, StringConstraints(min_length=1, max_length=40)] | None,
        Field(description="Phone number with country code; without it contactId must be one."),
    ] = None
    sender_id: Sender | None = None
    """The sending account at the provider; without it the configured one."""
    scheduled_at: Moment | None = None
    """When to send; without it at once."""


class MessageAccepted(Shape):
    """The message is ours to deliver."""

    message_id: str
    status: Literal["sending"] = "sending"
    """The public word until a provider has the message (CF-01)."""
    sent_at: AwareDatetime
    """When it was accepted (CF-42)."""
