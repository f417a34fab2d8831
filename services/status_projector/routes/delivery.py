"""How far messages came, by day, sender and whatever dashboards compare (SC-05…SC-07)."""

from datetime import datetime, timedelta
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from runtime import exports
from runtime.audit import Action
from runtime.auth import Caller, Permission
from runtime.csv_answers import IS_FILE, csv_answer, wants_csv
from runtime.errors import InvalidInput
from runtime.postgres import in_thread
from schemas.http.asking import DeliveryGroup, DeliveryQuery
from schemas.http.envelope import Envelope
from schemas.http.message_statistics import DeliveryRow
from services.status_projector import figures, periods
from services.status_projector.routes.parts import Parts
from services.status_projector.store import statistics
from services.status_projector.store.statistics import Which
from services.status_projector.tallies import MEASURES

DEFAULT_DAYS: Final = timedelta(days=30)
MOST_DAYS: Final = 366
COLUMN_OF: Final = {
    DeliveryGroup.DAY: "day",
    DeliveryGroup.TENANT: "tenant_id",
    DeliveryGroup.CHANNEL: "channel",
    DeliveryGroup.SENDER: "sender_id",
    DeliveryGroup.TYPE: "message_type",
}

COLUMNS: Final = tuple(field.alias or name for name, field in DeliveryRow.model_fields.items())


def routes(parts: Parts) -> APIRouter:
    """Return the endpoint."""
    router = APIRouter(tags=["statistics"])
    permitted = Depends(parts.guard.needs(Permission.STATISTICS_VIEW))
    zone = parts.terms.zone

    @router.get(
        "/api/v1/statistics/delivery",
        summary="How far did messages come?",
        response_model=Envelope[list[DeliveryRow]],
        responses=IS_FILE,
    )
    async def delivery(
        request: Request,
        asked: Annotated[DeliveryQuery, Query()],
        caller: Annotated[Caller, permitted],
    ) -> Response | Envelope[list[DeliveryRow]]:
        """Return a row for each group that has messages; of all of them without ``by``.

        With ``Accept: text/csv`` as a file.
        """
        which = _days(asked, caller, parts.clock(), zone)
        by = list(dict.fromkeys(COLUMN_OF[group] for group in asked.by))

        def look(connection: sa.Connection) -> list[DeliveryRow]:
            rows = statistics.sums(connection, which, by, zone, MEASURES)
            return [_delivery_row(row, by) for row in rows if figures.total_of(row)]

        if wants_csv(request):
            await exports.note(parts.engine, caller, Action.LIST_EXPORT, "delivery", asked)
            return csv_answer("delivery", COLUMNS, parts.engine, lambda c, _: (look(c), None))
        return Envelope(data=await in_thread(parts.engine, look))

    return router


def _days(asked: DeliveryQuery, caller: Caller, now: datetime, zone: ZoneInfo) -> Which:
    last = asked.to or periods.day_of(now, zone)
    first = asked.from_ or last - DEFAULT_DAYS
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
