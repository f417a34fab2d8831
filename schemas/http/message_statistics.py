"""Totals, delivery, costs and usage (SC-01…SC-04, LM-02, CF-16, CF-43, IM-45)."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import Field, PlainSerializer

from schemas.http.envelope import Shape

Money = Annotated[Decimal, PlainSerializer(float, return_type=float)]
"""Counted in decimals; a number on the wire, which is the shortest that means this decimal."""

Percent = Annotated[float, Field(ge=0, le=100)]


def percent_of(part: int, total: int) -> float:
    """Return the share in percent, 0 of nothing (SC-02).

    >>> percent_of(2, 3), percent_of(0, 0)
    (66.67, 0.0)
    """
    return round(100 * part / total, 2) if total else 0.0


class MessageTotals(Shape):
    """Messages of a time range (SC-01)."""

    success: bool = True
    total_messages: int
    by_type: Mapping[str, int]
    by_direction: Mapping[str, int]


class DeliveryTotals(Shape):
    """How many of the last 24 hours' outbound messages arrived (SC-02, CF-16)."""

    success: bool = True
    total: int
    delivered: int = Field(description="On a device: now delivered or read.")
    delivery_rate: Percent


class CategoryCount(Shape):
    """What the provider says of the same messages."""

    category: str | None = Field(description="In the provider's word; null: it did not tell.")
    messages: int
    billable: int = Field(description="How many of them it charges for.")


class MonthlyCost(Shape):
    """What a month's messages cost by our price table (SC-04, CF-43)."""

    success: bool = True
    total_messages: int = Field(description="Outbound, and reached `sent`.")
    total_cost: Money
    average_cost_per_message: Money
    currency: str
    by_type: Mapping[str, Money]
    by_category: list[CategoryCount]


class SenderUsage(Shape):
    """How much of today's limit a sender has used (LM-02)."""

    success: bool = True
    used: int
    limit: int | None = Field(description="Null: any number.")


class DeliveryRow(Shape):
    """How far the messages of one group came; each level contains those above it."""

    day: date | None = Field(None, description="In the zone of APP_TIMEZONE.")
    tenant_id: str | None = None
    channel: str | None = None
    sender_id: str | None = None
    message_type: str | None = None
    total: int
    pending: int = Field(description="Not taken by a dispatcher yet.")
    sending: int
    sent: int = Field(description="The provider has them: now sent, delivered or read (CF-58).")
    delivered: int = Field(description="Now delivered or read (CF-16).")
    read: int
    failed: int
    delivery_rate: Percent = Field(description="Delivered, of all (SC-07).")
    read_rate: Percent = Field(description="Read, of those delivered.")
    failure_rate: Percent = Field(description="Failed, of all.")
    seconds_to_sent: float | None = Field(description="From sentAt to the provider; the mean.")
    seconds_to_delivered: float | None = Field(description="From sentAt to a device; the mean.")
