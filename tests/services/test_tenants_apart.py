"""Another tenant's data does not exist: every address with an id in it answers 404 (S8, IM-29).

Taken from the documents of the services: what is new there is asked here, or fails here.
"""

from collections.abc import AsyncGenerator, Mapping
from typing import Any

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from cli.openapi import APPLICATIONS
from tests.callers import of_tenant, signed_in
from tests.eventually import eventually, seconds
from tests.services.scheduler.schedulers import a_job, a_message
from tests.services.whole_system import OURS, THEIRS, System, whole_system

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def system(
    clean_topics: str, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[System]:
    """Return running services, and what they have of the other tenant."""
    logs = tmp_path_factory.mktemp("tenants")
    async with whole_system(clean_topics, database_url, logs) as running:
        yield running


BODIES: Mapping[str, Mapping[str, Any]] = {
    "patch": {"name": "x"},
    "post": {"name": "k"},
    "put": {"name": "x"},
}
"""Any that is one: whose id it is, is asked before what it says."""

OF_NO_TENANT = {
    "/api/whatsapp/customers/{phone}/data",
    "/api/whatsapp/orders/{orderId}/status",
}
"""A person is one person for all tenants; who has a tenant gets 403 (its own test). An order is
whatever its tenant calls one: of others' nothing is said."""

CALLS = [
    (service, method, path)
    for service, build in APPLICATIONS.items()
    for path, methods in build().openapi()["paths"].items()
    for method, said in methods.items()
    if "{" in path and path not in OF_NO_TENANT and said.get("security")
]


@pytest.mark.parametrize(("service", "method", "path"), CALLS)
async def test_an_id_of_another_tenant_is_404(
    system: System, service: str, method: str, path: str
) -> None:
    answer = await _call(system, service, method, path, OURS)

    assert answer.status_code == 404, answer.text


@pytest.mark.parametrize(("service", "method", "path"), [c for c in CALLS if c[1] == "get"])
async def test_the_same_id_is_there_for_its_own_tenant(
    system: System, service: str, method: str, path: str
) -> None:
    async def is_there() -> bool:
        answer = await _call(system, service, method, path, THEIRS)
        return answer.status_code == 200

    assert await eventually(is_there, within=seconds(20))


async def test_live_statistics_are_told_of_a_tenants_own_jobs_only(system: System) -> None:
    client = system.clients["statistics"]
    job = system.theirs["jobId"]
    address = "/api/v1/statistics/live?window=total&by="

    async def status(query: str, tenant: str) -> int:
        headers = signed_in(of_tenant(tenant))
        return (await client.get(address + query, headers=headers)).status_code

    assert await status(f"job&id={job}", THEIRS) == 200
    assert await status(f"job&id={job}", OURS) == 404
    assert [await status(query, OURS) for query in ("job", "sender", "channel")] == [403] * 3


@pytest.mark.parametrize(
    ("path", "body"), [("/api/v1/im/messages", a_message()), ("/api/v1/jobs", a_job())]
)
async def test_a_body_that_names_another_tenant_is_403_and_one_that_names_none_is_the_callers(
    system: System, database: sa.Engine, path: str, body: Mapping[str, Any]
) -> None:
    client, ours = system.clients["scheduler"], signed_in(of_tenant(OURS))

    foreign = await client.post(path, json={**body, "tenantId": THEIRS}, headers=ours)
    accepted = [
        await client.post(path, json=body, headers=ours),
        await client.post(path, json={**body, "tenantId": OURS}, headers=ours),
        await client.post(path, json={**body, "tenantId": OURS}),
    ]

    assert (foreign.status_code, foreign.json()["message"]) == (403, "tenantId: is not yours")
    assert [one.status_code for one in accepted] == [201] * 3
    table, name = ("jobs", "jobId") if "jobs" in path else ("accepted_sends", "messageId")
    column = "job_id" if "jobs" in path else "message_id"
    ids = [one.json()["data"][name] for one in accepted]
    with database.connect() as connection:
        found = connection.execute(
            sa.text(f"SELECT DISTINCT tenant_id FROM {table} WHERE {column} = ANY(:ids)"),  # noqa: S608 - our own words only
            {"ids": ids},
        )
        assert found.scalars().all() == [OURS]


async def test_a_handshake_without_a_token_is_refused_and_a_ticket_opens_it(
    system: System,
) -> None:
    client = system.clients["status_projector"]
    address = str(client.base_url).replace("http:", "ws:") + "/api/v1/im/ws"
    ours = signed_in(of_tenant(OURS))

    with pytest.raises(InvalidStatus) as refused:
        await connect(address, proxy=None)
    answer = await client.post("/api/v1/im/ws-ticket", headers=ours)
    ticket = answer.json()["data"]["ticket"]

    assert refused.value.response.status_code == 401
    async with connect(f"{address}?ticket={ticket}", proxy=None) as by_ticket:
        assert "hello" in str(await by_ticket.recv())
    token = ours["Authorization"].split()[1]
    protocols = [Subprotocol("bearer"), Subprotocol(token)]
    async with connect(address, proxy=None, subprotocols=protocols) as by_protocol:
        assert by_protocol.subprotocol == "bearer"


async def test_what_people_do_to_jobs_is_noted_with_who_and_for_whom(
    system: System, database: sa.Engine
) -> None:
    job = system.theirs["jobId"]
    answer = await system.clients["scheduler"].post(
        f"/api/v1/jobs/{job}/pause", headers=signed_in(of_tenant(THEIRS))
    )

    assert answer.json()["success"] is True
    with database.connect() as connection:
        noted = connection.execute(
            sa.text(
                "SELECT actor, tenant_id, action, changes FROM audit_log WHERE about = :job"
                " AND action <> 'job-results.export' ORDER BY id"
            ),
            {"job": job},
        ).all()
    assert [(one.actor, one.tenant_id, one.action) for one in noted] == [
        ("2", THEIRS, "job.create"),
        ("2", THEIRS, "job.pause"),
    ]
    assert noted[1].changes["status"][1] == "paused"


async def _call(
    system: System, service: str, method: str, path: str, tenant: str
) -> httpx.Response:
    return await system.clients[service].request(
        method.upper(),
        path.format_map(system.theirs),
        headers=signed_in(of_tenant(tenant)),
        json=BODIES.get(method) if service == "administration" or method == "put" else None,
    )
