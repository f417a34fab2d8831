"""What the sums of the tallies mean: delivery, costs (SC-01…SC-07, CF-16, CF-43, CF-58)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from schemas.http.message_statistics import (
    CategoryCount,
    DeliveryRow,
    DeliveryTotals,
    MessageTotals,
    MonthlyCost,
    percent_of,
)
from services.status_projector.prices import Prices, mean


@dataclass(frozen=True, slots=True)
class Terms:
    """What figures follow from apart from messages."""

    zone: ZoneInfo
    """In which days and months begin."""
    prices: Prices
    daily_limit: int | None
    """Of senders that have none of their own; None: any number."""


Sums = Mapping[str, Any]
"""A row of `store.statistics.sums`: its group and the sum of each measure, null of nothing."""

_STATUSES = ("pending", "sending", "sent", "delivered", "read", "failed")
_THOUSAND = 1_000


def total_of(sums: Sums) -> int:
    """Return how many messages there are."""
    return sum(sums[status] or 0 for status in _STATUSES)


def reached(sums: Sums) -> int:
    """Return how many the provider has: now sent, delivered or read (CF-58)."""
    return (sums["sent"] or 0) + delivered(sums)


def delivered(sums: Sums) -> int:
    """Return how many are on a device: now delivered or read (CF-16)."""
    return (sums["delivered"] or 0) + (sums["read"] or 0)


def message_totals(rows: Iterable[Sums]) -> MessageTotals:
    """Return the totals of sums by type and direction (SC-01)."""
    by_type: dict[str, int] = {}
    by_direction: dict[str, int] = {}
    for row in rows:
        if total := total_of(row):
            by_type[row["message_type"]] = by_type.get(row["message_type"], 0) + total
            direction = row["message_direction"]
            by_direction[direction] = by_direction.get(direction, 0) + total
    return MessageTotals(
        total_messages=sum(by_type.values()), by_type=by_type, by_direction=by_direction
    )


def delivery_totals(sums: Sums) -> DeliveryTotals:
    """Return the delivery of one sum (SC-02)."""
    total, arrived = total_of(sums), delivered(sums)
    return DeliveryTotals(total=total, delivered=arrived, delivery_rate=percent_of(arrived, total))


def monthly_cost(rows: Iterable[Sums], prices: Prices) -> MonthlyCost:
    """Return the cost of sums by type and category (SC-04, CF-43)."""
    by_type: dict[str, Decimal] = {}
    by_category: dict[str, CategoryCount] = {}
    messages = 0
    for row in rows:
        if count := reached(row):
            kind, category = row["message_type"], row["category"]
            messages += count
            by_type[kind] = by_type.get(kind, Decimal(0)) + prices.of(kind) * count
            known = by_category.get(category)
            by_category[category] = CategoryCount(
                category=category or None,
                messages=count + (known.messages if known else 0),
                billable=row["billable"] + (known.billable if known else 0),
            )
    cost = sum(by_type.values(), Decimal(0))
    return MonthlyCost(
        total_messages=messages,
        total_cost=cost,
        average_cost_per_message=mean(cost, messages),
        currency=prices.currency,
        by_type=by_type,
        by_category=[by_category[name] for name in sorted(by_category)],
    )


def delivery_row(sums: Sums, group: Mapping[str, Any]) -> DeliveryRow:
    """Return how far the messages of one group came."""
    total, arrived = total_of(sums), delivered(sums)
    pending, sending, read, failed = (
        sums[n] or 0 for n in ("pending", "sending", "read", "failed")
    )
    return DeliveryRow(
        day=group.get("day"),
        tenant_id=group.get("tenant_id"),
        channel=group.get("channel"),
        sender_id=group.get("sender_id"),
        message_type=group.get("message_type"),
        pending=pending,
        sending=sending,
        read=read,
        failed=failed,
        total=total,
        sent=reached(sums),
        delivered=arrived,
        delivery_rate=percent_of(arrived, total),
        read_rate=percent_of(read, arrived),
        failure_rate=percent_of(failed, total),
        seconds_to_sent=_seconds(sums["accepted_ms"], sums["accepted"]),
        seconds_to_delivered=_seconds(sums["arrived_ms"], sums["arrived"]),
    )


def _seconds(milliseconds: int | None, count: int | None) -> float | None:
    return round((milliseconds or 0) / count / _THOUSAND, 3) if count else None
