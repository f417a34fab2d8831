"""Totals, delivery, costs and usage (SC-01…SC-04, LM-02, IM-45); none of them reads messages."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query

from runtime.auth import Caller, Guard, Permission
from runtime.clock import Clock
from runtime.errors import InvalidInput, NotFound
from runtime.postgres import in_thread
from schemas.http.asking import (
    CostQuery,
    DeliveryGroup,
    DeliveryQuery,
    StatsQuery,
    TimeRange,
    UsageQuery,
)
from schemas.http.envelope import Envelope
from schemas.http.message_statistics import (
    DeliveryRow,
    DeliveryTotals,
    MessageTotals,
    MonthlyCost,
    SenderUsage,
)
from services.status_projector import figures, periods
from services.status_projector.prices import Prices
from services.status_projector.store import statistics
from services.status_projector.store.statistics import Which
from services.status_projector.tallies import slot_of

CHANNEL: Final = "whatsapp"
"""Which messages the addresses under ``/api/whatsapp`` speak of."""
RANGES: Final = {
    TimeRange.DAY: timedelta(hours=24),
    TimeRange.WEEK: timedelta(days=7),
    TimeRange.MONTH: timedelta(days=30),
}
MOST_DAYS: Final = 366
COLUMN_OF: Final = {
    DeliveryGroup.DAY: "day",
    DeliveryGroup.TENANT: "tenant_id",
    DeliveryGroup.CHANNEL: "channel",
    DeliveryGroup.SENDER: "sender_id",
    DeliveryGroup.TYPE: "message_type",
}
_USED_WITHIN: Final = timedelta(days=31)
"""A sender that a tenant has not used for so long is not shown to it."""
_TO_COME: Final = timedelta(days=1)
"""Senders' clocks may be ahead of ours: what is dated so far in the future counts, too."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What figures follow from apart from messages."""

    zone: ZoneInfo
    prices: Prices
    daily_limit: int | None
    """Of senders that have none of their own."""


def routes(engine: sa.Engine, guard: Guard, clock: Clock, terms: Terms) -> APIRouter:
    """Return the endpoints that dashboards ask."""
    router = APIRouter(tags=["statistics"])
    permitted = Annotated[Caller, Depends(guard.needs(Permission.STATISTICS_VIEW))]

    @router.get("/api/whatsapp/stats", summary="How many messages, by type and direction? (SC-01)")
    async def stats(asked: Annotated[StatsQuery, Query()], caller: permitted) -> MessageTotals:
        """The quarter of an hour in which the range begins counts whole."""
        which = _lately(clock(), RANGES[asked.time_range], caller)
        by = ["message_type", "message_direction"]
        return figures.message_totals(
            await in_thread(engine, lambda c: statistics.sums(c, which, by))
        )

    @router.get("/api/whatsapp/delivery-stats", summary="How many have arrived? (SC-02, CF-16)")
    async def delivery_stats(caller: permitted) -> DeliveryTotals:
        """Of the outbound messages of the last 24 hours."""
        which = _lately(clock(), RANGES[TimeRange.DAY], caller, direction="outbound")
        (row,) = await in_thread(engine, lambda c: statistics.sums(c, which, []))
        return figures.delivery_totals(row)

    @router.get("/api/whatsapp/costs", summary="What did a month's messages cost? (SC-04, CF-43)")
    async def costs(asked: Annotated[CostQuery, Query()], caller: permitted) -> MonthlyCost:
        """By the prices that are set now; of messages that reached ``sent``."""
        since, before = periods.month(asked.year, asked.month, terms.zone)
        which = Which(
            since=since,
            before=before,
            tenant_id=caller.tenant_id,
            channel=CHANNEL,
            message_direction="outbound",
        )
        rows = await in_thread(
            engine, lambda c: statistics.sums(c, which, ["message_type", "category"])
        )
        return figures.monthly_cost(rows, terms.prices)

    @router.get("/api/whatsapp/usage", summary="How much of its day has a sender used? (LM-02)")
    async def usage(asked: Annotated[UsageQuery, Query()], caller: permitted) -> SenderUsage:
        """The sender is named by its phone number id."""
        return await in_thread(
            engine, lambda c: _usage(c, asked.phone, caller.tenant_id, clock(), terms)
        )

    @router.get("/api/v1/statistics/delivery", summary="How far did messages come?")
    async def delivery(
        asked: Annotated[DeliveryQuery, Query()], caller: permitted
    ) -> Envelope[list[DeliveryRow]]:
        """A row for each group that has messages; of all of them without ``by``."""
        which = _days(asked, caller, clock(), terms.zone)
        by = list(dict.fromkeys(COLUMN_OF[group] for group in asked.by))
        rows = await in_thread(engine, lambda c: statistics.sums(c, which, by, zone=terms.zone.key))
        return Envelope(data=[_delivery_row(row, by) for row in rows if figures.total_of(row)])

    return router


def _lately(now: datetime, reach: timedelta, caller: Caller, direction: str | None = None) -> Which:
    return Which(
        since=slot_of(now - reach),
        before=now + _TO_COME,
        tenant_id=caller.tenant_id,
        channel=CHANNEL,
        message_direction=direction,
    )


def _days(asked: DeliveryQuery, caller: Caller, now: datetime, zone: ZoneInfo) -> Which:
    last = asked.to or periods.day_of(now, zone)
    first = asked.from_ or last - RANGES[TimeRange.MONTH]
    if last < first:
        raise InvalidInput("to", "lies before 'from'")
    if (last - first).days >= MOST_DAYS:
        raise InvalidInput("from", f"at most {MOST_DAYS} days at once")
    since, before = periods.days(first, last, zone)
    return Which(
        since=since,
        before=before,
        tenant_id=caller.tenant_id,
        channel=asked.channel,
        sender_id=asked.sender_id,
        message_direction=asked.direction,
    )


def _delivery_row(row: figures.Sums, by: list[str]) -> DeliveryRow:
    # Empty: without a tenant.
    return figures.delivery_row(row, {name: row[name] or None for name in by})


def _usage(
    connection: sa.Connection, phone: str, tenant_id: str | None, now: datetime, terms: Terms
) -> SenderUsage:
    today = periods.day_of(now, terms.zone)
    found = statistics.usage(connection, CHANNEL, phone, today)
    if found is None or (
        tenant_id is not None and not _has_used(connection, phone, tenant_id, now)
    ):
        raise NotFound("Sender not found")
    limit = None
    if found.is_limited:
        limit = terms.daily_limit if found.own_limit is None else found.own_limit
    used = found.counted
    if used is None:
        # Where no limit holds nothing is counted against one: what was handed over is the use.
        since, before = periods.days(today, today, terms.zone)
        which = Which(
            since=since,
            before=before,
            channel=CHANNEL,
            sender_id=phone,
            message_direction="outbound",
        )
        (row,) = statistics.sums(connection, which, [])
        used = figures.total_of(row) - (row["pending"] or 0) if limit is None else 0
    return SenderUsage(used=used, limit=limit)


def _has_used(connection: sa.Connection, phone: str, tenant_id: str, now: datetime) -> bool:
    which = Which(
        since=slot_of(now - _USED_WITHIN),
        before=now + _TO_COME,
        tenant_id=tenant_id,
        channel=CHANNEL,
        sender_id=phone,
    )
    (row,) = statistics.sums(connection, which, [])
    return figures.total_of(row) > 0
