"""Previews over HTTP: judged, kept, sent, counted (PV-01…PV-05, CF-18, CF-26, CF-27)."""

import asyncio
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest
import sqlalchemy as sa

from domain.answers import Choice
from runtime.clock import now
from runtime.kafka.producer import Producer
from runtime.signed_links import opened
from schemas.http.previews import PreviewLink
from schemas.topics.contents import NotificationContent
from schemas.topics.provider_events import PROVIDER_EVENTS, ProviderEvent
from schemas.topics.send_requests import SendRequested
from tests.eventually import eventually, seconds
from tests.given import a_message_received
from tests.services.scheduler import previewing
from tests.services.scheduler.previewing import (
    OPENID,
    OTHER,
    TEXT,
    a_task,
    a_user,
    an_answer,
    ask,
    asked_of,
    sent,
)
from tests.services.scheduler.schedulers import (
    RunningScheduler,
    Tail,
)
from tests.topic_keys import TOPIC_KEYS

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]


async def test_each_recipient_gets_a_notification_with_a_link_of_their_own(
    editor: httpx.AsyncClient, database: sa.Engine, requests: Tail[SendRequested]
) -> None:
    task_id = a_task(database, tenant_id="acme")

    preview_id = await sent(editor, task_id, recipients=[OPENID, OTHER])

    notices = {one.recipient: one for one in await requests.read()}
    assert set(notices) == {OPENID, OTHER}
    for openid, notice in notices.items():
        content = notice.content
        assert isinstance(content, NotificationContent)
        assert (notice.channel, notice.sender_id) == ("wechat", previewing.APP)
        assert (notice.priority, notice.tenant_id) == ("high", "acme")
        assert content.data == {"thing1": TEXT, "time2": "2030-06-10 18:00", "phrase3": "待确认"}
        link = link_of(content)
        assert (link.preview_id, link.task_id, link.recipient) == (preview_id, task_id, openid)


def link_of(content: NotificationContent) -> PreviewLink:
    token = parse_qs(urlsplit(content.page or "").query)["token"][0]
    return opened(token, PreviewLink, keys=[previewing.LINK_KEY.encode()], now=now())


async def test_a_user_is_written_to_under_their_openid(
    editor: httpx.AsyncClient, database: sa.Engine, requests: Tail[SendRequested]
) -> None:
    openid = a_user(database, "zhang.san", openid="oZhangSan")
    task_id = a_task(database, tenant_id="acme")

    await sent(editor, task_id, recipients=["zhang.san"])

    assert len(await asked_of(requests, openid or "")) == 1


async def test_a_user_without_an_openid_is_named(
    editor: httpx.AsyncClient, database: sa.Engine
) -> None:
    a_user(database, "li.si", openid=None)
    task_id = a_task(database, tenant_id="acme")

    answer = await ask(editor, task_id, recipients=[OPENID, "li.si"])

    assert errors_of(answer) == ["第 2 位接收人没有可用的微信 openid"]


def errors_of(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    assert answer.json()["previewId"] is None
    assert answer.json()["validation"]["isValid"] is False
    return answer.json()["validation"]["errors"]


@pytest.mark.parametrize(
    ("language", "errors"),
    [
        ("zh-CN,zh;q=0.9", ["文本超长,请精简", "链接不是有效的网址或小程序链接"]),
        (
            "en-GB",
            [
                "The text is too long: at most 500 characters",
                "The link is no valid http or https address, and none to a mini-program",
            ],
        ),
    ],
)
async def test_all_that_is_wrong_is_told_at_once_in_the_callers_language(
    editor: httpx.AsyncClient,
    database: sa.Engine,
    requests: Tail[SendRequested],
    language: str,
    errors: list[str],
) -> None:
    content = {"text": "课" * 501, "link": "javascript:alert(1)"}

    answer = await ask(
        editor, a_task(database, tenant_id="acme"), language=language, content=content
    )

    assert errors_of(answer) == errors
    assert await asked_of(requests, OPENID) == []


async def test_what_has_no_room_for_the_pushs_form_is_not_previewed(
    editor: httpx.AsyncClient, database: sa.Engine, requests: Tail[SendRequested]
) -> None:
    content = {"text": "😀" * 480, "link": "https://example.com/room"}
    without, with_form = (a_task(database, tenant_id="acme") for _ in range(2))
    with database.begin() as connection:
        connection.execute(
            sa.text("UPDATE t_tasks SET asks_feedback = true WHERE task_id = :id"),
            {"id": with_form},
        )

    await sent(editor, without, content=content)
    refused = await ask(editor, with_form, content=content)
    await sent(editor, with_form, content={"text": "Hi"}, recipients=[OTHER])

    [said] = errors_of(refused)
    assert "too long together" in said
    [request] = await asked_of(requests, OTHER)
    assert isinstance(request.content, NotificationContent)
    assert "/api/feedback/form?token=" in str(request.content.data)


async def test_500_signs_are_not_too_long_whatever_they_are(
    editor: httpx.AsyncClient, database: sa.Engine
) -> None:
    await sent(editor, a_task(database, tenant_id="acme"), content={"text": "📚" * 500})


@pytest.mark.parametrize(
    "body",
    [
        {"content": {}},
        {"content": {"text": ""}},
        {"content": {"text": 5}},
        {"content": {"txet": "Hi"}},
        {"content": "Hi"},
        {"recipients": []},
        {"recipients": ["a\x00b"]},
        {"recipients": None},
        {"taskId": None},
    ],
)
async def test_what_is_malformed_is_refused(
    editor: httpx.AsyncClient, database: sa.Engine, body: dict[str, Any]
) -> None:
    answer = await ask(editor, a_task(database, tenant_id="acme"), **body)

    assert answer.status_code == 400
    assert answer.json()["error"] == "Invalid content"
    assert [one["field"] for one in answer.json()["errors"]]


@pytest.mark.parametrize("raw", [b"", b"{", b"[" * 100_000, b'"\xff"'])
async def test_what_is_no_json_is_refused(editor: httpx.AsyncClient, raw: bytes) -> None:
    answer = await editor.post(previewing.PATH, content=raw)

    assert (answer.status_code, answer.json()["error"]) in [
        (400, "Invalid content"),
        (413, "The body is larger than 65536 bytes"),
    ]


async def test_another_tenants_task_is_not_found(
    editor: httpx.AsyncClient, database: sa.Engine
) -> None:
    for task_id in (str(uuid4()), a_task(database, tenant_id="other")):
        answer = await ask(editor, task_id)

        assert (answer.status_code, answer.json()) == (404, {"error": "Task not found"})


async def test_only_what_was_uploaded_is_a_picture(
    editor: httpx.AsyncClient, database: sa.Engine, preview_scheduler: RunningScheduler
) -> None:
    others = await previewing.bring(preview_scheduler.client, previewing.a_picture())
    document = await previewing.bring(editor, b"%PDF-1.7\n", "a.pdf", purpose="chat")
    wrong = [
        "https://example.com/a.png",
        "/api/v1/media/uploads/2030/01/none.png",
        others.json()["data"]["url"],
        document.json()["data"]["url"],
    ]

    for image in wrong:
        answer = await ask(editor, a_task(database, tenant_id="acme"), content={"image": image})

        assert errors_of(answer) == ["图片须为已上传的 JPEG 或 PNG,且不超过 2 MB"]


async def test_an_uploaded_picture_is_previewed(
    editor: httpx.AsyncClient, database: sa.Engine
) -> None:
    brought = await previewing.bring(editor, previewing.a_picture())

    await sent(
        editor, a_task(database, tenant_id="acme"), content={"image": brought.json()["data"]["url"]}
    )


async def test_an_eleventh_preview_within_a_minute_is_refused_also_when_all_come_at_once(
    editor: httpx.AsyncClient, database: sa.Engine, requests: Tail[SendRequested]
) -> None:
    task_id = a_task(database, tenant_id="acme")

    answers = await asyncio.gather(*(ask(editor, task_id) for _ in range(12)))

    refused = [one.json() for one in answers if one.status_code == 429]
    assert refused == [{"error": "Rate limit exceeded"}] * 2
    assert len(await asked_of(requests, OPENID)) == 10


async def test_whom_it_went_to_and_what_it_shows_is_sealed(
    editor: httpx.AsyncClient, database: sa.Engine
) -> None:
    text = "Bring your books"
    preview_id = await sent(editor, a_task(database, tenant_id="acme"), content={"text": text})

    with database.connect() as connection:
        query = sa.text("SELECT CAST(t_previews AS text) FROM t_previews WHERE preview_id = :id")
        row = connection.execute(query, {"id": preview_id}).scalar_one()
    assert OPENID not in row
    assert text not in row


async def test_an_answer_is_heard_and_shown(
    editor: httpx.AsyncClient, database: sa.Engine, clean_topics: str
) -> None:
    task_id = a_task(database, tenant_id="acme")
    preview_id = await sent(editor, task_id)
    about = {"about": preview_id, "message_type": "preview_answer"}

    await tell(
        clean_topics,
        a_message_received(),
        an_answer(Choice.MODIFY, content={"comment": "时间改为三点"}, **about),
    )

    async def answered() -> dict[str, Any] | None:
        shown = (await editor.get(previewing.PATH, params={"taskId": task_id})).json()[0]
        return shown if shown["status"] != "sent" else None

    seen = await eventually(answered, within=seconds(30))
    assert seen is not None
    assert seen["status"] == "modified"
    (response,) = seen["responses"]
    assert (response["userId"], response["response"]) == (OPENID, "modify")
    assert response["comment"] == "时间改为三点"
    (told,) = (await editor.get("/api/notifications")).json()["notifications"]
    assert (told["type"], told["taskId"]) == ("preview", task_id)
    assert told["content"]["message"] == "需要修改：时间改为三点"  # noqa: RUF001 - Chinese
    with database.connect() as connection:
        query = sa.text(
            "SELECT CAST(t_notifications AS text) FROM t_notifications WHERE task_id = :id"
        )
        assert "三点" not in connection.execute(query, {"id": task_id}).scalar_one()


async def tell(bootstrap: str, *events: ProviderEvent) -> None:
    producer = Producer(bootstrap, "tests", TOPIC_KEYS)
    records = [PROVIDER_EVENTS.record(one, source="tests", at=now()) for one in events]
    await producer.publish(records, within=seconds(30))
    await producer.stop()


async def test_what_becomes_of_a_preview_is_seen(
    editor: httpx.AsyncClient, database: sa.Engine
) -> None:
    task_id = a_task(database, tenant_id="acme")
    first = await sent(editor, task_id, content={"text": "Another"})
    second = await sent(editor, task_id)

    seen = (await editor.get(previewing.PATH, params={"taskId": task_id})).json()
    assert [one["previewId"] for one in seen] == [second, first]
    assert [one["isCurrent"] for one in seen] == [True, False]
    assert seen[0]["status"] == "sent"
    assert seen[0]["recipients"] == [
        {"userId": OPENID, "deliveryStatus": "waiting", "deliveryError": None}
    ]
