"""All services that answer for tenants' data, and one of each thing of one tenant."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa

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
from tests.services.scheduler import previewing
from tests.services.scheduler.schedulers import (
    SENDER,
    a_job,
    a_message,
    start_scheduler,
    stop_scheduler,
)
from tests.services.statistics.running import a_statistics_process
from tests.services.status_projector.projectors import start_projector, stop_projector
from tests.topic_keys import TOPIC_KEYS
from tests.vaults import the_vault

OURS, THEIRS = "acme", "globex"
THEIR_CUSTOMER = "+16505550077"
_GROUP_SEND = 77
_A_CONTENT = {"content": {"text": "Hi"}}
_A_TASK = _A_CONTENT | {
    "name": "t",
    "schedule": {"type": "once", "time": "2035-01-01T10:00:00Z"},
    "groups": ["g"],
    "status": "draft",
}
_A_NOTICE = """
    INSERT INTO t_notifications (notification_id, user_id, type, content, subject, due_at, status,
        created_at, tenant_id)
    VALUES ('notice-1', '3', 'result', '{}', 'notice-1', now(), 'sent', now(), :tenant)
"""


@dataclass(frozen=True, slots=True)
class System:
    """The running services, and what they have of the second tenant."""

    clients: Mapping[str, httpx.AsyncClient]
    """By the service's name; each calls as somebody who may do everything."""
    theirs: Mapping[str, str]
    """The id of one of each thing, by the name of the path's parameter."""


@asynccontextmanager
async def whole_system(bootstrap: str, database_url: str, logs: Path) -> AsyncGenerator[System]:
    """Run them, as processes, until the block ends."""
    database = sa.create_engine(database_url, poolclass=sa.NullPool)
    with database.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO tenants (tenant_id, name, created_at)"
                " VALUES ('acme', 'a', now()), ('globex', 'g', now())"
            )
        )
    scheduler, projector, administration = await asyncio.gather(
        start_scheduler(bootstrap, database_url, logs, **previewing.SETTINGS),
        start_projector(bootstrap, database_url, logs),
        start_administration(database_url, logs),
    )
    try:
        async with a_statistics_process(bootstrap, logs, database_url) as statistics:
            clients = {
                "scheduler": scheduler.client,
                "status_projector": projector.client,
                "administration": administration.client,
                "statistics": statistics.client,
            }
            yield System(clients, await _theirs(clients, bootstrap, database))
    finally:
        await stop_scheduler(scheduler)
        await stop_projector(projector)
        await stop_administration(administration)


async def _theirs(
    clients: Mapping[str, httpx.AsyncClient], topics: str, database: sa.Engine
) -> Mapping[str, str]:
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
    task = await made("scheduler", "/api/tasks", _A_TASK)
    template = await made("scheduler", "/api/preview/templates", {"name": "t"} | _A_CONTENT)
    sent = {"file": ("a.png", previewing.a_picture(), "image/png")}
    uploaded = await clients["scheduler"].post("/api/v1/media", files=sent, headers=headers)
    picture = uploaded.json()["data"]
    with database.begin() as connection:
        connection.execute(sa.text(_A_NOTICE), {"tenant": THEIRS})
    return {
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
        group_send_id=_GROUP_SEND,
        to_status=GroupSendStatus.PENDING,
        sequence=1,
        targets=1,
        updated_at=at,
        tenant_id=THEIRS,
    )
    producer = Producer(topics, "tenants-apart", TOPIC_KEYS)
    records = [TASK_CHANGES.record(one, source="tests", at=at) for one in (push, group_send)]
    await producer.publish(records, within=seconds(20))
    await producer.stop()
    conversation = the_vault().conversation_id("whatsapp", SENDER, THEIR_CUSTOMER)
    return {
        "taskId": task_id,
        "pushId": "push-1",
        "groupSendTaskId": str(_GROUP_SEND),
        "conversationId": conversation,
    }
