"""What may be asked of lists and statistics: query parameters, read and refused in one place.

An unknown parameter is a mistake worth telling: a filter that is misspelt would answer with
everybody's.
"""

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

from domain.lifecycle import Status
from schemas.http.envelope import Shape

MOST: Final = 100
"""Rows of one page (CF-47)."""

_YEARS: Final = (2000, 2999)


def in_our_time(moment: datetime) -> datetime:
    """Return the moment in UTC. Raises `ValueError` where it is none that anybody means.

    PostgreSQL knows no offsets of 16 hours and more, and Python no year 10000.
    """
    if not _YEARS[0] <= moment.year <= _YEARS[1]:
        raise ValueError(f"must lie between {_YEARS[0]} and {_YEARS[1]}")
    return moment.astimezone(UTC)


def _day_in_our_time(day: date) -> date:
    if not _YEARS[0] <= day.year <= _YEARS[1]:
        raise ValueError(f"must lie between {_YEARS[0]} and {_YEARS[1]}")
    return day


# PostgreSQL keeps NUL in no text and refuses to look for it.
Word = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern="^[^\x00]*$")]
"""An id or a name that is looked for."""
Moment = Annotated[AwareDatetime, AfterValidator(in_our_time)]
"""ISO 8601 with its offset."""
Day = Annotated[date, AfterValidator(_day_in_our_time)]
"""As ``2026-03-02``."""
Limit = Annotated[int, Field(ge=1, le=MOST, description="Rows of one page.")]
CursorWord = Annotated[str, StringConstraints(min_length=1, max_length=600)]
Direction = Literal["inbound", "outbound"]


class Order(StrEnum):
    """Which end of a list comes first."""

    ASC = "asc"
    DESC = "desc"


class TimeRange(StrEnum):
    """How far back (IM-45)."""

    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"


class ShownStatus(StrEnum):
    """The statuses that people are told of (CF-01)."""

    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"

    @property
    def stored(self) -> tuple[Status, ...]:
        """The statuses that are shown as this one."""
        if self is ShownStatus.SENDING:
            return Status.PENDING, Status.SENDING
        return (Status(self.value),)


class _Between(Shape):
    """A time range: ``from`` belongs to it, ``to`` does not."""

    from_: Moment | None = Field(None, alias="from", description="Of sentAt; included.")
    to: Moment | None = Field(None, description="Of sentAt; not included.")

    @field_validator("to")
    @classmethod
    def _in_order(cls, to: datetime | None, info: ValidationInfo) -> datetime | None:
        from_ = info.data.get("from_")
        if to is not None and from_ is not None and to < from_:
            raise ValueError("lies before 'from'")
        return to


class MessageFilter(_Between):
    """Which messages; what is not given does not matter."""

    recipient: Word | None = Field(
        None, description="The other side: a phone number or the channel's id of the person."
    )
    status: ShownStatus | None = None
    channel: Word | None = None
    sender_id: Word | None = None
    type: Word | None = Field(None, description="The messages' type: `text`, `template`, …")
    direction: Direction | None = None
    job_id: Word | None = None
    case_id: Word | None = None
    order_id: Word | None = None
    contact_id: Word | None = None
    agent_id: Word | None = None
    error_code: Word | None = None


class MessageSearch(MessageFilter):
    """A page of the messages that are found."""

    sort: Literal["sentAt"] = "sentAt"
    order: Order = Order.DESC
    cursor: CursorWord | None = Field(None, description="`nextCursor` of the page before.")
    limit: Limit = 50


class MessageExport(MessageFilter):
    """All messages that are found, as a file."""

    sort: Literal["sentAt"] = "sentAt"
    order: Order = Order.DESC


class ConversationHistory(Shape):
    """A part of what was written to and fro."""

    contact_id: Word | None = None
    order_id: Word | None = None
    conversation_id: Word | None = None
    before: CursorWord | None = Field(None, description="Only what is older than this cursor.")
    after: CursorWord | None = Field(None, description="Only what is newer than this cursor.")
    order: Order = Field(Order.ASC, description="`asc`: the newest comes last.")
    limit: Limit = 50


class ConversationSearch(Shape):
    """A page of the conversations that are found."""

    contact_id: Word | None = None
    order_id: Word | None = None
    phone: Word | None = Field(None, description="A number or the channel's id of the person.")
    channel: Word | None = None
    sender_id: Word | None = None
    sort: Literal["unread", "time"] = Field(
        "unread", description="`unread`: those with unread messages first; then by time."
    )
    cursor: CursorWord | None = Field(None, description="`nextCursor` of the page before.")
    limit: Limit = 50


class StatsQuery(Shape):
    """Of which time."""

    time_range: TimeRange = TimeRange.DAY


class CostQuery(Shape):
    """Of which month, in the zone of APP_TIMEZONE."""

    year: Annotated[int, Field(ge=_YEARS[0], le=_YEARS[1])]
    month: Annotated[int, Field(ge=1, le=12)]


class UsageQuery(Shape):
    """Of which sender."""

    phone: Word = Field(description="The sender by its phone number id.")


class DeliveryGroup(StrEnum):
    """What messages are counted by."""

    DAY = "day"
    TENANT = "tenant"
    CHANNEL = "channel"
    SENDER = "sender"
    TYPE = "type"


class DeliveryQuery(Shape):
    """Of which days, which messages, and by what they are counted."""

    from_: Day | None = Field(None, alias="from", description="The first day; else 30 days ago.")
    to: Day | None = Field(None, description="The last day; else today.")
    by: list[DeliveryGroup] = Field([], description="None: one row for all.")
    channel: Word | None = None
    sender_id: Word | None = None
    direction: Direction = "outbound"
