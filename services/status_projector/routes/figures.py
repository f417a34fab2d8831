"""Totals, delivery, costs and usage (SC-01…SC-04, LM-02, IM-45); none of them reads messages."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Final

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query

from runtime.auth import Caller, Permission
from runtime.errors import NotFound
from runtime.http_document import refusal
from runtime.postgres import in_thread
from schemas.http.asking import CostQuery, StatsQuery, TimeRange, UsageQuery
from schemas.http.message_statistics import (
    DeliveryTotals,
    MessageTotals,
    MonthlyCost,
    SenderUsage,
)
from services.status_projector import figures, periods
from services.status_projector.figures import Terms
from services.status_projector.routes.parts import Parts
from services.status_projector.store import statistics
from services.status_projector.store.statistics import Which
from services.status_projector.tallies import slot_of

USAGE: Final = "/api/whatsapp/usage"

CHANNEL: Final = "whatsapp"
"""Which messages the addresses under ``/api/whatsapp`` speak of."""
RANGES: Final = {
    TimeRange.DAY: timedelta(hours=24),
    TimeRange.WEEK: timedelta(days=7),
    TimeRange.MONTH: timedelta(days=30),
}
_USED_WITHIN: Final = timedelta(days=31)
"""A sender that a tenant has not used for so long is not shown to it."""
_CHARGED: Final = ("sent", "delivered", "read", "billable")
_TO_COME: Final = timedelta(days=1)
"""Senders' clocks may be ahead of ours: what is dated so far in the future counts, too."""


def routes(parts: Parts) -> APIRouter:
    """Return the endpoints that dashboards ask."""
    engine, terms, clock = parts.engine, parts.terms, parts.clock
    router = APIRouter(tags=["statistics"])
    permitted = Depends(parts.guard.needs(Permission.STATISTICS_VIEW))

    @router.get("/api/whatsapp/stats", summary="How many messages, by type and direction? (SC-01)")
    async def stats(
        asked: Annotated[StatsQuery, Query()], caller: Annotated[Caller, permitted]
    ) -> MessageTotals:
        """Count from the quarter of an hour in which the range begins, and that one whole."""
        which = _lately(clock(), RANGES[asked.time_range], caller)
        by = ["message_type", "message_direction"]
        return figures.message_totals(
            await in_thread(engine, lambda c: statistics.sums(c, which, by, terms.zone))
        )

    @router.get("/api/whatsapp/delivery-stats", summary="How many have arrived? (SC-02, CF-16)")
    async def delivery_stats(caller: Annotated[Caller, permitted]) -> DeliveryTotals:
        """Return the delivery of the last 24 hours' outbound messages."""
        which = _lately(clock(), RANGES[TimeRange.DAY], caller, direction="outbound")
        (row,) = await in_thread(engine, lambda c: statistics.sums(c, which, [], terms.zone))
        return figures.delivery_totals(row)

    @router.get("/api/whatsapp/costs", summary="What did a month's messages cost? (SC-04, CF-43)")
    async def costs(
        asked: Annotated[CostQuery, Query()], caller: Annotated[Caller, permitted]
    ) -> MonthlyCost:
        """Return the cost, by the prices that are set now, of messages that reached ``sent``."""
        since, before = periods.month(asked.year, asked.month, terms.zone)
        which = Which(
            since=since,
            before=before,
            tenant_id=caller.tenant_id,
            channel=CHANNEL,
            message_direction="outbound",
        )
        by = ["message_type", "category"]
        rows = await in_thread(
            engine, lambda c: statistics.sums(c, which, by, terms.zone, _CHARGED)
        )
        return figures.monthly_cost(rows, terms.prices)

    @router.get(
        USAGE,
        summary="How much of its day has a sender used? (LM-02)",
        responses={404: refusal(USAGE, HTTPStatus.NOT_FOUND)},
    )
    async def usage(
        asked: Annotated[UsageQuery, Query()], caller: Annotated[Caller, permitted]
    ) -> SenderUsage:
        """Return the usage of the sender with this phone number id."""
        return await in_thread(
            engine, lambda c: _usage(c, asked.phone, caller.tenant_id, clock(), terms)
        )

    return router


def _lately(now: datetime, reach: timedelta, caller: Caller, direction: str | None = None) -> Which:
    return Which(
        since=slot_of(now - reach),
        before=now + _TO_COME,
        tenant_id=caller.tenant_id,
        channel=CHANNEL,
        message_direction=direction,
    )


def _usage(
    connection: sa.Connection, phone: str, tenant_id: str | None, now: datetime, terms: Terms
) -> SenderUsage:
    today = periods.day_of(now, terms.zone)
    found = statistics.usage(connection, CHANNEL, phone, today)
    if found is None or (
        tenant_id is not None and not _has_used(connection, phone, tenant_id, now, terms)
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
        (row,) = statistics.sums(connection, which, [], terms.zone)
        used = figures.total_of(row) - (row["pending"] or 0) if limit is None else 0
    return SenderUsage(used=used, limit=limit)


def _has_used(
    connection: sa.Connection, phone: str, tenant_id: str, now: datetime, terms: Terms
) -> bool:
    which = Which(
        since=slot_of(now - _USED_WITHIN),
        before=now + _TO_COME,
        tenant_id=tenant_id,
        channel=CHANNEL,
        sender_id=phone,
    )
    (row,) = statistics.sums(connection, which, [], terms.zone)
    return figures.total_of(row) > 0
