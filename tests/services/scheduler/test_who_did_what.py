"""What is changed or taken away beside tasks stands in the audit (IM-31)."""

import pytest
import sqlalchemy as sa

from tests.services.scheduler.schedulers import RunningScheduler

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

GROUP = {"groupId": "audited", "name": "Class 3", "channel": "wecom", "senderId": "1"}


async def test_templates_groups_and_exports_are_noted_without_an_address(
    scheduler: RunningScheduler, database: sa.Engine
) -> None:
    client = scheduler.client
    saved = await client.post(
        "/api/preview/templates", json={"name": "Reminder", "content": {"text": "Be there"}}
    )
    assert saved.status_code == 201, saved.text
    template = saved.json()["templateId"]
    path = f"/api/preview/templates/{template}"
    for answer in (
        await client.put(path, json={"name": "Notice"}),
        await client.delete(path),
        await client.put("/api/groups", json={"groups": [GROUP]}),
        await client.get("/api/tasks/export", params={"recipientId": "zhangsan"}),
    ):
        assert answer.status_code == 200, answer.text

    query = sa.text("SELECT action, about, changes FROM audit_log ORDER BY id DESC LIMIT 5")
    with database.connect() as connection:
        rows = [tuple(row) for row in connection.execute(query)]
    entered = {"entered": [None, 1], "first": [None, "audited"], "last": [None, "audited"]}
    assert rows[::-1] == [
        ("template.create", template, {"name": [None, "Reminder"]}),
        ("template.change", template, {"name": ["Reminder", "Notice"]}),
        ("template.delete", template, {}),
        ("groups.enter", "groups", entered),
        ("tasks.export", "tasks", {"recipientId": [None, "given"]}),
    ]
