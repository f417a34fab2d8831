"""Any list is a file to whoever wants it, of their tenant alone, and noted (IM-31, IM-44)."""

import csv
import io
from datetime import timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from schemas.topics.contents import TextContent
from schemas.topics.task_changes import PushChanged, PushStatus, TaskChanged, TaskStatus
from tests.callers import of_tenant
from tests.given import NOON
from tests.services.status_projector.asking import Asker, asking
from tests.services.status_projector.facts import Life, Projector, Record
from tests.services.status_projector.scheduled import ScheduledJob, phone

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]


@pytest.fixture(scope="module")
def tenant(projector: Projector, engine: sa.Engine) -> str:
    """Return a tenant with two of everything."""
    tenant = f"files-{uuid4().hex[:8]}"
    records: list[Record] = []
    for number in range(2):
        life = Life()
        records += [
            life.request(
                tenant_id=tenant,
                order_id=tenant,
                recipient=f"+{tenant_number(tenant, number)}",
                requested_at=NOON + timedelta(seconds=number),
                content=TextContent(body="=1+1"),
            ),
            life.started(),
            life.accepted(),
            PushChanged(
                push_id=str(uuid4()),
                task_id=tenant,
                to_status=PushStatus.RUNNING,
                sequence=1,
                due_at=NOON + timedelta(minutes=number),
                groups=2,
                updated_at=NOON,
                tenant_id=tenant,
            ),
        ]
        ScheduledJob(engine, [phone(1)], tenant_id=tenant)
    records.append(
        TaskChanged(
            task_id=tenant,
            to_status=TaskStatus.RUNNING,
            sequence=1,
            updated_at=NOON,
            tenant_id=tenant,
        )
    )
    projector.apply([projector.heard(record) for record in records])
    return tenant


def tenant_number(tenant: str, number: int) -> int:
    return 16_500_000_000 + int(tenant[-6:], 16) + number


LISTS = [
    ("/api/v1/im/messages?orderId={}", "messageId", 2),
    ("/api/v1/im/conversations", "conversationId", 2),
    ("/api/v1/jobs", "jobId", 2),
    ("/api/tasks/{}/pushes", "pushId", 2),
    ("/api/v1/messages/stale?olderThan=PT1S", "messageId", 2),
    ("/api/v1/statistics/delivery?from=2026-03-01&to=2026-03-31&by=type", "messageType", 1),
]


@pytest.mark.parametrize(("path", "column", "count"), LISTS)
async def test_a_list_is_a_file_of_the_callers_rows(
    engine: sa.Engine, app: FastAPI, tenant: str, path: str, column: str, count: int
) -> None:
    async with asking(app, of_tenant(tenant)) as ask:
        file = await ask.client.get(path.format(tenant), headers={"Accept": "text/csv"})

    rows = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"), newline="")))
    assert file.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert len({row[column] for row in rows}) == len(rows) == count
    for row in rows:
        assert not row.get("text", "").startswith("=")
        assert "T" in row.get("createdAt", "T")
    statement = "SELECT action FROM audit_log WHERE tenant_id = :tenant ORDER BY id DESC LIMIT 1"
    with engine.connect() as connection:
        noted = connection.execute(sa.text(statement), {"tenant": tenant}).scalar_one()
    assert noted in {"list.export", "messages.export"}


async def test_a_refused_question_is_refused_before_the_file_begins(ask: Asker) -> None:
    for path in ("/api/v1/im/messages", "/api/v1/im/conversations?cursor=mine"):
        answer = await ask.client.get(path, headers={"Accept": "text/csv"})
        assert answer.status_code == 400, path
