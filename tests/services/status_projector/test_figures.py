"""Totals, delivery, costs and usage as dashboards ask for them (SC-01…SC-04, LM-02, IM-45)."""

from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import msgspec
import pytest
import pytest_asyncio
import sqlalchemy as sa
from fastapi import FastAPI

from runtime.auth import Permission
from runtime.clock import now
from schemas.topics.contents import TemplateContent
from schemas.topics.provider_events import Pricing
from services.status_projector.store import tallies
from tests.callers import of_tenant
from tests.given import a_message_received
from tests.services.status_projector.asking import Asker, api_over, asking
from tests.services.status_projector.facts import ZONE, Life, Projector

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

LONG_AGO = datetime.fromisoformat("2026-01-31T23:30:00+00:00")


@pytest.fixture(scope="module")
def app(database_url: str) -> FastAPI:
    return api_over(database_url, sender_daily_limit=250, message_prices={"template": "0.0123"})


@pytest_asyncio.fixture(loop_scope="module")
async def tenant(app: FastAPI) -> AsyncGenerator[tuple[str, Asker]]:
    """Return a tenant of the test's own, and who asks for it."""
    name = f"tenant-{uuid4().hex[:8]}"
    async with asking(app, of_tenant(name)) as asker:
        yield name, asker


def tell(projector: Projector, *records: Any) -> None:  # noqa: ANN401 - any records
    projector.apply([projector.heard(record) for record in records])


def lived(projector: Projector, until: str, **what_matters: Any) -> Life:  # noqa: ANN401
    """Let a message come so far."""
    life = Life()
    tell(projector, life.request(**what_matters))
    if until == "failed":
        tell(projector, life.started(), life.rejected())
    elif until != "pending":
        tell(projector, life.accepted())
        if until != "sent":
            tell(projector, life.reported(until, 9))
    return life


async def test_totals_are_by_type_and_direction_within_their_range(
    projector: Projector, tenant: tuple[str, Asker]
) -> None:
    name, ask = tenant
    number = f"1650555{uuid4().int % 10_000:04d}"
    template = TemplateContent(name="order_ready", language="en")
    lived(projector, "sent", tenant_id=name, requested_at=now(), recipient=f"+{number}")
    lived(projector, "failed", tenant_id=name, requested_at=now(), content=template)
    lived(projector, "read", tenant_id=name, requested_at=now() - timedelta(days=3))
    lived(projector, "read", tenant_id=name, requested_at=now() - timedelta(days=20))
    tell(projector, a_message_received(author=number, occurred_at=now()))

    async def asked(range_: str) -> dict[str, Any]:
        return (await ask.get("/api/whatsapp/stats", timeRange=range_)).json()

    assert await asked("24h") == {
        "success": True,
        "totalMessages": 3,
        "byType": {"template": 1, "text": 2},
        "byDirection": {"inbound": 1, "outbound": 2},
    }
    assert (await asked("7d"))["totalMessages"] == 4
    assert (await asked("30d"))["totalMessages"] == 5


async def test_what_was_read_was_delivered(projector: Projector, tenant: tuple[str, Asker]) -> None:
    name, ask = tenant
    for until in ("read", "delivered", "sent"):
        lived(projector, until, tenant_id=name, requested_at=now())

    answer = await ask.get("/api/whatsapp/delivery-stats")

    assert answer.json() == {
        "success": True,
        "total": 3,
        "delivered": 2,
        "deliveryRate": 66.67,
    }


async def test_nothing_has_a_rate_of_0(tenant: tuple[str, Asker]) -> None:
    _, ask = tenant

    answer = await ask.get("/api/whatsapp/delivery-stats")

    assert answer.json() == {"success": True, "total": 0, "delivered": 0, "deliveryRate": 0.0}


async def test_a_month_costs_what_reached_sent_in_exact_decimals(
    projector: Projector, tenant: tuple[str, Asker]
) -> None:
    name, ask = tenant
    template = TemplateContent(name="order_ready", language="en")
    for _ in range(3):
        lived(projector, "sent", tenant_id=name, requested_at=LONG_AGO)
    priced = lived(projector, "read", tenant_id=name, requested_at=LONG_AGO, content=template)
    tell(
        projector,
        msgspec.structs.replace(
            priced.reported("sent", 3), pricing=Pricing(category="utility", billable=True)
        ),
    )
    lived(projector, "failed", tenant_id=name, requested_at=LONG_AGO)
    lived(projector, "pending", tenant_id=name, requested_at=LONG_AGO)
    lived(projector, "sent", tenant_id=name, requested_at=LONG_AGO + timedelta(hours=1))

    january = (await ask.get("/api/whatsapp/costs", year=2026, month=1)).json()
    march = (await ask.get("/api/whatsapp/costs", year=2026, month=3)).json()

    assert january == {
        "success": True,
        "totalMessages": 4,
        "totalCost": 0.0273,
        "averageCostPerMessage": 0.006825,
        "currency": "USD",
        "byType": {"template": 0.0123, "text": 0.015},
        "byCategory": [
            {"category": None, "messages": 3, "billable": 0},
            {"category": "utility", "messages": 1, "billable": 1},
        ],
    }
    assert (march["totalMessages"], march["totalCost"], march["averageCostPerMessage"]) == (0, 0, 0)


async def test_a_month_begins_at_midnight_of_the_apps_zone(
    projector: Projector, tenant: tuple[str, Asker], database_url: str, engine: sa.Engine
) -> None:
    name, _ = tenant
    lived(projector, "sent", tenant_id=name, requested_at=LONG_AGO)
    there = api_over(database_url, app_timezone="Asia/Kathmandu")

    with engine.begin() as connection:
        tallies.renew_days(connection, ZoneInfo("Asia/Kathmandu"))
    async with asking(there, of_tenant(name)) as ask:
        months = [
            (await ask.get("/api/whatsapp/costs", year=2026, month=month)).json()["totalMessages"]
            for month in (1, 2)
        ]
    with engine.begin() as connection:
        tallies.renew_days(connection, ZONE)

    assert months == [0, 1]


async def test_usage_is_what_the_dispatcher_has_counted_today(
    projector: Projector, tenant: tuple[str, Asker], engine: sa.Engine
) -> None:
    name, ask = tenant
    sender = f"sender-{name}"
    lived(projector, "sent", tenant_id=name, sender_id=sender, requested_at=now())

    async def used(sender: str) -> Any:  # noqa: ANN401 - an answer
        return (await ask.get("/api/whatsapp/usage", phone=sender)).json()

    with engine.begin() as connection:
        values = {"sender": f"whatsapp:{sender}", "day": now().date()}
        connection.execute(sa.text("INSERT INTO senders (sender) VALUES (:sender)"), values)
    unused = await used(sender)
    with engine.begin() as connection:
        count = "INSERT INTO send_counts (scope, day, used) VALUES ('sender:' || :sender, :day, 7)"
        connection.execute(sa.text(count), values)
    some = await used(sender)
    with engine.begin() as connection:
        own = "UPDATE senders SET daily_limit = 9 WHERE sender = :sender"
        connection.execute(sa.text(own), values)
    own_limit = await used(sender)

    assert unused == {"success": True, "used": 0, "limit": 250}
    assert some == {"success": True, "used": 7, "limit": 250}
    assert own_limit == {"success": True, "used": 7, "limit": 9}
    assert await used("nobody") == {"success": False, "message": "Sender not found"}


async def test_a_sender_of_another_tenant_is_not_there(
    projector: Projector, tenant: tuple[str, Asker], engine: sa.Engine
) -> None:
    _, ask = tenant
    sender = f"sender-{uuid4().hex[:8]}"
    lived(projector, "sent", tenant_id="rival", sender_id=sender, requested_at=now())
    with engine.begin() as connection:
        enter = sa.text("INSERT INTO senders (sender) VALUES (:sender)")
        connection.execute(enter, {"sender": f"whatsapp:{sender}"})

    answer = await ask.get("/api/whatsapp/usage", phone=sender)

    assert answer.status_code == 404


async def test_delivery_is_compared_by_whatever_is_asked_for(
    projector: Projector, tenant: tuple[str, Asker]
) -> None:
    name, ask = tenant
    for day, until in ((1, "read"), (1, "failed"), (2, "sent")):
        at = datetime.fromisoformat(f"2026-05-0{day}T08:00:00+00:00")
        lived(projector, until, tenant_id=name, sender_id=f"sender-{day}", requested_at=at)
    range_ = {"from": "2026-05-01", "to": "2026-05-02"}

    by_day = await ask.data("/api/v1/statistics/delivery", by=["day", "sender"], **range_)
    (whole,) = await ask.data("/api/v1/statistics/delivery", **range_)

    assert [(row["day"], row["senderId"], row["total"]) for row in by_day] == [
        ("2026-05-01", "sender-1", 2),
        ("2026-05-02", "sender-2", 1),
    ]
    assert by_day[0]["deliveryRate"] == by_day[0]["failureRate"] == 50.0
    assert (whole["total"], whole["sent"], whole["delivered"], whole["read"]) == (3, 2, 1, 1)
    assert whole["day"] is None


@pytest.mark.parametrize(
    ("path", "parameters", "field"),
    [
        ("/api/whatsapp/stats", {"timeRange": "1y"}, "timeRange"),
        ("/api/whatsapp/stats", {"timerange": "24h"}, "timerange"),
        ("/api/whatsapp/costs", {"year": 2026}, "month"),
        ("/api/whatsapp/costs", {"year": 2026, "month": 13}, "month"),
        ("/api/whatsapp/usage", {}, "phone"),
        ("/api/v1/statistics/delivery", {"from": "2026-02-30"}, "from"),
        ("/api/v1/statistics/delivery", {"by": "week"}, "by"),
        ("/api/v1/statistics/delivery", {"from": "2020-01-01"}, "from"),
        ("/api/v1/statistics/delivery", {"from": "2026-03-02", "to": "2026-03-01"}, "to"),
    ],
)
async def test_a_wrong_parameter_is_named(
    tenant: tuple[str, Asker], path: str, parameters: dict[str, Any], field: str
) -> None:
    _, ask = tenant

    answer = await ask.get(path, **parameters)

    assert answer.status_code == 400
    assert answer.json()["message"].startswith(f"{field}: ")


async def test_who_may_not_is_refused(app: FastAPI) -> None:
    async with asking(app, of_tenant("acme", Permission.MESSAGES_VIEW)) as agent:
        answer = await agent.get("/api/whatsapp/stats")

    assert answer.status_code == 403
    assert answer.json()["success"] is False
