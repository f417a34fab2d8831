"""Previews and templates: asked twice, answered signed in, kept (IM-01, PV-09, IM-41)."""

from dataclasses import replace
from uuid import uuid4

import httpx
import pytest
import sqlalchemy as sa

from runtime.auth import Permission
from schemas.topics.send_requests import SendRequested
from tests.callers import of_tenant, signed_in
from tests.services.scheduler import previewing
from tests.services.scheduler.previewing import OPENID, OTHER, TEXT, a_task, a_user, asked_of, sent
from tests.services.scheduler.schedulers import RunningScheduler, Tail

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]


async def test_a_preview_that_is_asked_for_again_with_its_key_is_sent_once(
    editor: httpx.AsyncClient, database: sa.Engine, requests: Tail[SendRequested]
) -> None:
    body = {
        "taskId": a_task(database, tenant_id="acme"),
        "content": {"text": TEXT},
        "recipients": [OPENID],
    }
    headers = {"Idempotency-Key": uuid4().hex}

    first, again = [
        await editor.post(previewing.PATH, json=body, headers=headers) for _ in range(2)
    ]
    other = await editor.post(previewing.PATH, json=body | {"recipients": [OTHER]}, headers=headers)

    assert first.status_code == 200
    assert again.json() == first.json()
    assert other.status_code == 409
    assert len(await asked_of(requests, OPENID)) == 1


async def test_a_preview_that_was_refused_may_be_sent_with_the_same_key(
    editor: httpx.AsyncClient, database: sa.Engine
) -> None:
    task_id, headers = a_task(database, tenant_id="acme"), {"Idempotency-Key": uuid4().hex}
    bad = {"taskId": task_id, "content": {"text": "课" * 501}, "recipients": [OPENID]}

    refused = await editor.post(previewing.PATH, json=bad, headers=headers)
    right = await editor.post(
        previewing.PATH, json=bad | {"content": {"text": TEXT}}, headers=headers
    )

    assert refused.json()["previewId"] is None
    assert right.json()["previewId"] is not None


async def test_a_template_that_is_saved_again_with_its_key_is_one(
    editor: httpx.AsyncClient, database: sa.Engine
) -> None:
    path, headers = "/api/preview/templates", {"Idempotency-Key": uuid4().hex}
    body = {"name": "Once", "content": {"text": "Hi"}}

    first, again = [await editor.post(path, json=body, headers=headers) for _ in range(2)]

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    template_id = first.json()["templateId"]
    await editor.delete(f"{path}/{template_id}")
    assert noted(database, template_id) == ["template.create", "template.delete"]


def noted(database: sa.Engine, about: str) -> list[str]:
    """Return what the audit trail says was done to it."""
    with database.connect() as connection:
        query = sa.text("SELECT action FROM audit_log WHERE about = :about ORDER BY id")
        return list(connection.execute(query, {"about": about}).scalars())


async def test_a_user_who_may_edit_or_was_asked_answers_signed_in(
    editor: httpx.AsyncClient, database: sa.Engine, preview_scheduler: RunningScheduler
) -> None:
    a_user(database, "wang.wu", openid="oWangWu")
    asked = replace(of_tenant("acme", Permission.TASKS_VIEW), user_id=id_of(database, "wang.wu"))
    viewer, stranger = of_tenant("acme", Permission.TASKS_VIEW), of_tenant("other")
    preview_id = await sent(editor, a_task(database, tenant_id="acme"), recipients=["wang.wu"])
    body = {"previewId": preview_id, "response": "modify", "comment": "时间不对"}
    path = f"{preview_scheduler.url}/api/preview/confirm"

    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        refused = [
            (await client.post(path, json=body, headers=signed_in(caller))).status_code
            for caller in (viewer, stranger)
        ]
        nobody = await client.post(path, json=body)
        taken = await client.post(path, json=body, headers=signed_in(asked))
    by_editor = await editor.post(path, json={"previewId": preview_id, "response": "confirm"})
    unknown = await editor.post(path, json=body | {"previewId": "none"})
    wrong = await editor.post(path, json=body | {"response": "maybe"})

    assert (refused, nobody.status_code) == ([403, 404], 401)
    assert (taken.status_code, taken.json()) == (200, {"message": "Preview confirmed"})
    assert by_editor.status_code == 200
    assert (unknown.status_code, unknown.json()) == (404, {"error": "Preview not found"})
    assert wrong.status_code == 400
    (shown,) = (
        await editor.get(previewing.PATH, params={"taskId": task_of(database, preview_id)})
    ).json()
    assert shown["status"] == "modified"
    assert [one["response"] for one in shown["responses"]] == ["modify", "confirm"]
    assert shown["responses"][0]["userId"] == "wang.wu"
    assert shown["responses"][1]["userId"] not in (None, "wang.wu")
    assert noted(database, preview_id) == ["preview.send", "preview.answer", "preview.answer"]


def id_of(database: sa.Engine, wechat_id: str) -> str:
    with database.connect() as connection:
        query = sa.text("SELECT user_id FROM users WHERE wechat_id = :name")
        return str(connection.execute(query, {"name": wechat_id}).scalar_one())


def task_of(database: sa.Engine, preview_id: str) -> str:
    with database.connect() as connection:
        query = sa.text("SELECT task_id FROM t_previews WHERE preview_id = :id")
        return connection.execute(query, {"id": preview_id}).scalar_one()


async def test_the_templates_are_two_and_ones_own(
    editor: httpx.AsyncClient, preview_scheduler: RunningScheduler
) -> None:
    path = "/api/preview/templates"
    given = {"name": " 周报 ", "content": {"text": "本周", "link": "https://example.com"}}

    saved = await editor.post(path, json=given)

    assert saved.status_code == 201
    template_id = saved.json()["templateId"]
    assert saved.json() == {"templateId": template_id, "message": "Template saved"}
    shown = (await editor.get(path)).json()
    assert [one["name"] for one in shown] == ["课程提醒", "活动通知", "周报"]
    assert [one["builtIn"] for one in shown] == [True, True, False]
    others = httpx.AsyncClient(
        base_url=preview_scheduler.url, trust_env=False, headers=signed_in(of_tenant("other"))
    )
    async with others:
        assert len((await others.get(path)).json()) == 2
        assert (await others.delete(f"{path}/{template_id}")).status_code == 404
    renamed = await editor.put(f"{path}/{template_id}", json={"name": "月报"})
    assert renamed.json() == {"templateId": template_id, "message": "Template updated"}
    assert (await editor.get(path)).json()[2]["name"] == "月报"
    deleted = await editor.delete(f"{path}/{template_id}")
    assert deleted.json() == {"message": "Template deleted"}
    assert len((await editor.get(path)).json()) == 2
    again = await editor.delete(f"{path}/{template_id}")
    assert (again.status_code, again.json()) == (404, {"error": "Template not found"})


async def test_the_two_templates_cannot_be_changed(editor: httpx.AsyncClient) -> None:
    path = "/api/preview/templates"
    built_in = (await editor.get(path)).json()[0]["templateId"]

    renamed = await editor.put(f"{path}/{built_in}", json={"name": "Mine"})
    deleted = await editor.delete(f"{path}/{built_in}")

    assert [renamed.status_code, deleted.status_code] == [409, 409]
    assert deleted.json() == {"error": "Built-in templates cannot be changed"}


@pytest.mark.parametrize(
    "body",
    [
        {"name": "", "content": {"text": "Hi"}},
        {"name": "x" * 51, "content": {"text": "Hi"}},
        {"name": "x", "content": {}},
        {"name": "x", "content": {"text": "x" * 501}},
        {"name": "x"},
        [],
    ],
)
async def test_a_template_without_a_name_or_a_right_content_is_refused(
    editor: httpx.AsyncClient, body: object
) -> None:
    answer = await editor.post("/api/preview/templates", json=body)

    assert (answer.status_code, answer.json()["error"]) == (400, "Invalid template")
