"""Who takes a list away as a file is noted, with the filter and without addresses (IM-31)."""

from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from runtime.auth import Permission
from tests.callers import of_tenant
from tests.services.status_projector.asking import Asker, asking
from tests.services.status_projector.scheduled import ScheduledJob

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

SEARCH = "/api/v1/messages"
ADA = "+16505550001"


def notes(engine: sa.Engine) -> list[dict[str, Any]]:
    """Return what is noted, and forget it."""
    query = "DELETE FROM audit_log RETURNING actor, tenant_id, action, about, changes"
    with engine.begin() as connection:
        return [dict(row) for row in connection.execute(sa.text(query)).mappings()]


async def test_a_search_taken_away_is_noted_with_its_filter(
    engine: sa.Engine, app: FastAPI
) -> None:
    async with asking(app, of_tenant("acme")) as acme:
        answer = await acme.get(
            f"{SEARCH}/export", recipient=ADA, contactId=ADA, caseId="case-1", order="asc"
        )

    assert answer.status_code == 200
    assert notes(engine) == [
        {
            "actor": "2",
            "tenant_id": "acme",
            "action": "messages.export",
            "about": "messages",
            "changes": {
                "recipient": [None, "given"],
                "contactId": [None, "given"],
                "caseId": [None, "case-1"],
                "order": [None, "asc"],
            },
        }
    ]


async def test_a_page_is_no_export_and_the_same_address_as_a_file_is_one(
    engine: sa.Engine, ask: Asker
) -> None:
    page = await ask.get(SEARCH)
    before = notes(engine)
    file = await ask.client.get(SEARCH, headers={"Accept": "text/csv"})

    assert (page.status_code, file.status_code) == (200, 200)
    assert before == []
    assert [note["action"] for note in notes(engine)] == ["messages.export"]


async def test_results_of_a_job_taken_away_are_noted_and_a_refused_export_is_not(
    engine: sa.Engine, app: FastAPI, ask: Asker
) -> None:
    job = ScheduledJob(engine, [ADA])
    notes(engine)  # that it was created
    path = f"/api/v1/jobs/{job.id}/results/export"

    file = await ask.get(path, state=["skipped", "failed"])
    async with asking(app, of_tenant("acme", Permission.MESSAGES_VIEW)) as clerk:
        refused: httpx.Response = await clerk.get(path)

    assert (file.status_code, refused.status_code) == (200, 403), file.text
    (note,) = notes(engine)
    assert (note["action"], note["about"]) == ("job-results.export", job.id)
    assert note["changes"] == {"state": [None, ["skipped", "failed"]]}
