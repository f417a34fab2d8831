"""Another tenant's data does not exist: every address with an id in it answers 404 (S8, IM-29).

Taken from the documents of the services: what is new there is asked here, or fails here.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from cli.openapi import APPLICATIONS
from runtime.kafka.producer import Producer
from schemas.topics.task_changes import (
    TASK_CHANGES,
    GroupSendChanged,
    GroupSendStatus,
    PushChanged,
    PushStatus,
)
from tests.callers import of_tenant, signed_in
from tests.eventually import eventually, seconds
from tests.services.administration.administrations import (
    start_administration,
    stop_administration,
)
from tests.services.scheduler.previewing import a_picture
from tests.services.scheduler.schedulers import (
    SENDER,
    a_job,
    a_message,
    start_scheduler,
    stop_scheduler,
)
from tests.services.statistics.running import a_statistics_process
from tests.services.status_projector.projectors import start_projector, stop_projector
from tests.vaults import the_vault

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

OURS, THEIRS = "acme", "globex"
THEIR_CUSTOMER = "+16505550077"
GROUP_SEND = 77
A_CONTENT = {"content": {"text": "Hi"}}
A_TASK = A_CONTENT | {
    "name": "t",
    "schedule": {"type": "once", "time": "2035-01-01T10:00:00Z"},
    "groups": ["g"],
    "status": "draft",
}
A_NOTICE = """
    INSERT INTO t_notifications (notification_id, user_id, type, content, subject, due_at, status,
        created_at, tenant_id)
    VALUES ('notice-1', '3', 'result', '{}', 'notice-1', now(), 'sent', now(), :tenant)
"""


@dataclass(frozen=True, slots=True)
class Ids:
    """Ids of things of the other tenant, by the name of the path's parameter."""

    by_name: Mapping[str, str]

    def fill(self, path: str) -> str:
        """Return the path with the ids in it. A parameter that nobody knows is a KeyError."""
        return path.format_map(self.by_name)


@dataclass(frozen=True, slots=True)
class System:
    """The services that answer for tenants' data."""

    clients: Mapping[str, httpx.AsyncClient]
    theirs: Ids


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def system(
    clean_topics: str,
    database_url: str,
    database: sa.Engine,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncGenerator[System]:
    """Return running services, and what they have of the other tenant."""
    logs = tmp_path_factory.mktemp("tenants")
    with database.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO tenants (tenant_id, name, created_at)"
                " VALUES ('acme', 'a', now()), ('globex', 'g', now())"
            )
        )
    scheduler, projector, administration = await asyncio.gather(
        start_scheduler(clean_topics, database_url, logs),
        start_projector(clean_topics, database_url, logs),
        start_administration(database_url, logs),
    )
    async with a_statistics_process(clean_topics, Path(logs), database_url) as statistics:
        clients = {
            "scheduler": scheduler.client,
            "status_projector": projector.client,
            "administration": administration.client,
            "statistics": statistics.client,
        }
        yield System(clients, await _theirs(clients, clean_topics, database))
    await stop_scheduler(scheduler)
    await stop_projector(projector)
    await stop_administration(administration)


async def _theirs(
    clients: Mapping[str, httpx.AsyncClient], topics: str, database: sa.Engine
) -> Ids:
    """Make one of each thing as the other tenant, and see that it is there for them."""
    headers = signed_in(of_tenant(THEIRS))

    async def made(service: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        answer = await clients[service].post(path, json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        return answer.json().get("data") or answer.json()

    roles: dict[str, str] = {}

    async def has_roles() -> bool:
        answer = await clients["administration"].get("/api/v1/roles", headers=headers)
        roles.update({one["name"]: one["id"] for one in answer.json()["data"]["items"]})
        return "upstream" in roles

    await eventually(has_roles, within=seconds(20))
    message = await made("scheduler", "/api/v1/im/messages", a_message(recipient=THEIR_CUSTOMER))
    job = await made("scheduler", "/api/v1/jobs", a_job())
    role = await made(
        "administration", "/api/v1/roles", {"name": "r", "permissions": ["jobs:view"]}
    )
    machine = {"wechatId": "m", "name": "m", "roleId": roles["upstream"], "isMachine": True}
    user = await made("administration", "/api/v1/users", machine)
    key = await made("administration", f"/api/v1/users/{user['id']}/keys", {"name": "k"})
    task = await made("scheduler", "/api/tasks", A_TASK)
    template = await made("scheduler", "/api/preview/templates", {"name": "t"} | A_CONTENT)
    sent = {"file": ("a.png", a_picture(), "image/png")}
    uploaded = await clients["scheduler"].post("/api/v1/media", files=sent, headers=headers)
    picture = uploaded.json()["data"]
    with database.begin() as connection:
        connection.execute(sa.text(A_NOTICE), {"tenant": THEIRS})
    return Ids(
        {
            "messageId": message["messageId"],
            "jobId": job["jobId"],
            "roleId": role["id"],
            "userId": user["id"],
            "keyId": key["id"],
            "tenantId": THEIRS,
            "templateId": template["templateId"],
            "notificationId": "notice-1",
            "key": picture["key"],
            **await _of_the_streams(topics, task["taskId"]),
        }
    )


async def _of_the_streams(topics: str, task_id: str) -> dict[str, str]:
    """Have a push of their task heard of on Kafka, and name their conversation."""
    at = datetime.now(UTC)
    push = PushChanged(
        push_id="push-1",
        task_id=task_id,
        to_status=PushStatus.RUNNING,
        sequence=1,
        due_at=at,
        groups=1,
        updated_at=at,
        tenant_id=THEIRS,
    )
    group_send = GroupSendChanged(
        group_send_id=GROUP_SEND,
        to_status=GroupSendStatus.PENDING,
        sequence=1,
        targets=1,
        updated_at=at,
        tenant_id=THEIRS,
    )
    producer = Producer(topics, "tenants-apart")
    records = [TASK_CHANGES.record(one, source="tests", at=at) for one in (push, group_send)]
    await producer.publish(records, within=seconds(20))
    await producer.stop()
    conversation = the_vault().conversation_id("whatsapp", SENDER, THEIR_CUSTOMER)
    return {
        "taskId": task_id,
        "pushId": "push-1",
        "groupSendTaskId": str(GROUP_SEND),
        "conversationId": conversation,
    }


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
    job = system.theirs.by_name["jobId"]
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
    job = system.theirs.by_name["jobId"]
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
        system.theirs.fill(path),
        headers=signed_in(of_tenant(tenant)),
        json=BODIES.get(method) if service == "administration" or method == "put" else None,
    )
