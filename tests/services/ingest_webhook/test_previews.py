"""Answers to previews on their page, and by programs (PV-06…PV-09, CF-27)."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from runtime.signed_links import token_for
from schemas.http.previews import CONFIRM, PAGE, PICTURE, PreviewLink, page_url
from schemas.topics.provider_events import MessageReceived
from tests.eventually import eventually, seconds
from tests.services.ingest_webhook.ingesters import (
    RunningIngester,
    StartIngester,
    events_in_kafka,
    start_ingester,
    stop_ingester,
)

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

KEY, FORMER_KEY = "k" * 32, "f" * 32
KEYS = {"LINK_SIGNING_KEYS": f"{KEY},{FORMER_KEY}"}
NO_KAFKA = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
NOT_FOUND = (404, {"error": "Preview not found"})
CONFIRMED = (200, {"message": "Preview confirmed"})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ingester(
    clean_topics: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[RunningIngester]:
    """Return an ingester that knows two keys for links."""
    running = await start_ingester(clean_topics, KEYS, tmp_path_factory.mktemp("ingester"))
    yield running
    await stop_ingester(running)


def a_link(
    *, preview_id: str = "", task_name: str = "三月会员日", recipient: str = "openid-1"
) -> PreviewLink:
    """Return what a link carries; of a preview that no other test uses unless told otherwise."""
    return PreviewLink(
        preview_id=preview_id or str(uuid4()),
        task_id="task-1",
        task_name=task_name,
        channel="wechat",
        sender_id="wx_app",
        recipient=recipient,
    )


def signed(link: PreviewLink, key: str = KEY, lasts: timedelta = timedelta(hours=1)) -> str:
    return token_for(link, until=datetime.now(UTC) + lasts, key=key.encode())


def an_answer(link: PreviewLink, **what_matters: object) -> dict[str, object]:
    """Return a body; a field set to ``...`` is left out."""
    body = {
        "previewId": link.preview_id,
        "response": "confirm",
        "comment": "",
        "token": signed(link),
    } | what_matters
    return {name: value for name, value in body.items() if value is not ...}


async def say(ingester: RunningIngester, body: object) -> tuple[int, object]:
    """Answer as a program does."""
    answer = await ingester.client.post(CONFIRM, json=body)
    return answer.status_code, answer.json()


async def press(
    ingester: RunningIngester, body: dict[str, Any], language: str = "zh-CN"
) -> httpx.Response:
    """Answer as the page does."""
    headers = {"Accept-Language": language}
    return await ingester.client.post(CONFIRM, data=body, headers=headers)


async def look(ingester: RunningIngester, token: str, language: str = "zh-CN") -> httpx.Response:
    parts = urlsplit(page_url("https://example.com", token))
    headers = {"Accept-Language": language}
    return await ingester.client.get(f"{parts.path}?{parts.query}", headers=headers)


async def answers_to(ingester: RunningIngester, link: PreviewLink) -> list[MessageReceived]:
    events = await events_in_kafka(ingester.bootstrap)
    return [e for e in events if isinstance(e, MessageReceived) and e.about == link.preview_id]


async def test_whoever_opens_the_link_sees_what_is_asked_in_their_language(
    ingester: RunningIngester,
) -> None:
    link = a_link(task_name="Sale <b>& more</b>")

    chinese = await look(ingester, signed(link))
    english = await look(ingester, signed(link), "en-GB,en;q=0.8")

    assert (chinese.status_code, english.status_code) == (200, 200)
    assert chinese.headers["content-type"] == "text/html; charset=utf-8"
    for page, language, words in ((chinese, "zh-CN", "修改"), (english, "en", "Modify")):
        assert f'<html lang="{language}">' in page.text
        assert f">{words}</button>" in page.text
        assert "Sale &lt;b&gt;&amp; more&lt;/b&gt;" in page.text


async def test_a_page_runs_nothing_is_kept_nowhere_and_gives_its_address_to_nobody(
    ingester: RunningIngester,
) -> None:
    link = a_link()

    for page in (
        await look(ingester, signed(link)),
        await look(ingester, "forged"),
        await press(ingester, an_answer(link)),
    ):
        policy = page.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "form-action 'self'; base-uri 'none'; frame-ancestors 'none'" in policy
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["x-content-type-options"] == "nosniff"


async def test_an_answer_by_the_page_is_a_fact(ingester: RunningIngester) -> None:
    link = a_link()

    page = await press(ingester, an_answer(link, response="modify", comment=" 第二张图\r\n太暗 "))

    assert (page.status_code, "已转交给发送人" in page.text) == (200, True)
    (fact,) = await answers_to(ingester, link)
    assert (fact.channel, fact.sender_id, fact.author) == ("wechat", "wx_app", "openid-1")
    assert (fact.choice, fact.about) == ("modify", link.preview_id)
    assert fact.content == {
        "response": "modify",
        "comment": "第二张图\n太暗",
        "taskId": "task-1",
    }
    assert datetime.now(UTC) - fact.occurred_at < timedelta(minutes=5)


@pytest.mark.parametrize("comment", ["", None, ..., "好"])
async def test_an_answer_by_a_program_is_a_fact(ingester: RunningIngester, comment: object) -> None:
    link = a_link()

    told = await say(ingester, an_answer(link, comment=comment))

    assert told == CONFIRMED
    (fact,) = await answers_to(ingester, link)
    assert fact.choice == "confirm"
    assert fact.content.get("comment") == ("好" if comment == "好" else None)


async def test_the_same_answer_again_is_the_same_fact_and_another_one_is_another(
    ingester: RunningIngester,
) -> None:
    link = a_link()
    both_ways = an_answer(link)

    assert await say(ingester, both_ways) == CONFIRMED
    assert (await press(ingester, both_ways)).status_code == 200
    assert await say(ingester, an_answer(link, token=signed(link, lasts=timedelta(2)))) == CONFIRMED
    assert await say(ingester, an_answer(link, response="modify")) == CONFIRMED
    assert await say(ingester, an_answer(link, response="modify", comment="x")) == CONFIRMED

    facts = await answers_to(ingester, link)
    ids = [fact.provider_message_id for fact in facts]
    assert (len(ids), len(set(ids))) == (5, 3)


async def test_each_of_several_people_answers_for_themselves(ingester: RunningIngester) -> None:
    ada = a_link(recipient="ada")
    bob = a_link(recipient="bob", preview_id=ada.preview_id)

    for link in (ada, bob):
        assert await say(ingester, an_answer(link)) == CONFIRMED

    facts = await answers_to(ingester, ada)
    assert {fact.author for fact in facts} == {"ada", "bob"}
    assert len({fact.provider_message_id for fact in facts}) == 2


async def test_a_link_under_the_former_key_still_opens(ingester: RunningIngester) -> None:
    link = a_link()
    token = signed(link, FORMER_KEY)

    assert (await look(ingester, token)).status_code == 200
    assert await say(ingester, an_answer(link, token=token)) == CONFIRMED


@pytest.mark.parametrize("token", ["", "x", "1.a.2.b.c", ...])
async def test_a_link_that_nobody_signed_is_not_found(
    ingester: RunningIngester, token: object
) -> None:
    link = a_link()
    forged = signed(link, "g" * 32) if token == "x" else token
    query = {} if forged is ... else {"token": str(forged)}

    page = await ingester.client.get(PAGE, params=query)
    pressed = await press(ingester, an_answer(link, token=forged))

    assert (page.status_code, "找不到此预览" in page.text) == (404, True)
    assert (pressed.status_code, link.task_name in pressed.text) == (404, False)
    assert await say(ingester, an_answer(link, token=forged)) == NOT_FOUND
    assert await say(ingester, an_answer(link, token=17)) == NOT_FOUND
    assert await answers_to(ingester, link) == []


async def test_a_link_answers_no_other_preview(ingester: RunningIngester) -> None:
    link, other = a_link(), a_link()

    assert await say(ingester, an_answer(other, token=signed(link))) == NOT_FOUND
    assert await say(ingester, an_answer(link, previewId=...)) == NOT_FOUND
    assert await answers_to(ingester, other) == []


async def test_an_expired_link_is_told_as_one(ingester: RunningIngester) -> None:
    link = a_link()
    token = signed(link, lasts=-timedelta(seconds=2))

    page = await look(ingester, token, "en")
    pressed = await press(ingester, an_answer(link, token=token))

    assert (page.status_code, "This link has expired" in page.text) == (410, True)
    assert (pressed.status_code, "链接已过期" in pressed.text) == (410, True)
    told = await say(ingester, an_answer(link, token=token))
    assert told == (410, {"error": "Preview link expired"})
    assert await answers_to(ingester, link) == []


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("response", "maybe", "must be confirm or modify"),
        ("response", ..., "must be confirm or modify"),
        ("response", ["confirm"], "must be confirm or modify"),
        ("comment", "字" * 501, "must have at most 500 characters"),
        ("comment", "no\0on", "must not contain the NUL character"),
        ("comment", 7, "must be a text"),
    ],
)
async def test_a_wrong_field_is_named(
    ingester: RunningIngester, field: str, value: object, problem: str
) -> None:
    link = a_link()

    told = await say(ingester, an_answer(link, **{field: value}))

    assert told == (400, {"error": f"{field}: {problem}"})
    assert await answers_to(ingester, link) == []


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"null", b'{"comment":"\\ud800"}', b"[" * 9_000]
)
async def test_a_body_that_is_no_answer_is_refused(ingester: RunningIngester, body: bytes) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}

    answer = await ingester.client.post(CONFIRM, content=body)
    page = await ingester.client.post(CONFIRM, content=b"comment=%ff", headers=form)
    crowded = await ingester.client.post(CONFIRM, content=b"&a=1" * 17, headers=form)

    assert (answer.status_code, answer.json()) == (400, {"error": "body: not a JSON object"})
    for each in (page, crowded):
        assert (each.status_code, "未能提交" in each.text) == (400, True)


async def test_a_form_that_has_to_be_filled_in_again_keeps_what_was_written(
    ingester: RunningIngester,
) -> None:
    link = a_link()
    body = an_answer(link, response="maybe", comment="a < b")

    page = await press(ingester, body)

    assert page.status_code == 400
    assert "a &lt; b</textarea>" in page.text
    assert str(body["token"]) in page.text


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded"])
async def test_too_large_a_body_is_refused(ingester: RunningIngester, kind: str) -> None:
    headers = {"Content-Type": kind}

    answer = await ingester.client.post(CONFIRM, content=b"x" * 16_385, headers=headers)

    assert answer.status_code == 413
    assert answer.headers["content-type"].startswith(
        "text/html" if "form" in kind else "application/json"
    )


async def test_while_kafka_is_away_the_page_asks_to_try_again_and_keeps_what_was_written(
    an_ingester: StartIngester,
) -> None:
    ingester, link = await an_ingester(ready_at="/healthz", **KEYS, **NO_KAFKA), a_link()
    body = an_answer(link, comment="a < b")

    shown = await look(ingester, signed(link))
    page = await press(ingester, body, "en")
    told = await say(ingester, body)

    assert shown.status_code == 200
    assert (page.status_code, page.headers["retry-after"]) == (503, "1")
    assert "Cannot be saved right now" in page.text
    assert "a &lt; b</textarea>" in page.text
    assert told == (503, {"error": "Service temporarily unavailable, please try again"})


async def test_nobody_is_asked_about_a_content_that_cannot_be_shown(
    an_ingester: StartIngester,
) -> None:
    away = "http://127.0.0.1:1"
    ingester, link = await an_ingester(PREVIEWS_URL=away, **KEYS), a_link()

    shown = await look(ingester, signed(link))
    picture = await ingester.client.get(PICTURE, params={"token": signed(link)})

    assert (shown.status_code, shown.headers["retry-after"]) == (503, "1")
    assert "暂时无法显示" in shown.text
    assert "<form" not in shown.text
    assert picture.status_code == 503
    assert (await press(ingester, an_answer(link))).status_code == 200


async def test_without_keys_no_link_is_known_and_callbacks_are_taken(
    an_ingester: StartIngester,
) -> None:
    ingester, link = await an_ingester(), a_link()

    assert (await look(ingester, signed(link))).status_code == 404
    assert await say(ingester, an_answer(link)) == NOT_FOUND
    assert (await ingester.client.get("/readyz")).status_code == 200


async def test_neither_comments_nor_links_nor_people_are_logged(
    an_ingester: StartIngester,
) -> None:
    ingester, link = await an_ingester(LOG_LEVEL="DEBUG", **KEYS), a_link(recipient="openid-9")
    token = signed(link)

    await look(ingester, token)
    await look(ingester, token + "x")
    await say(ingester, an_answer(link, comment="meet me at noon", token=token))
    await press(ingester, an_answer(link, comment="noon" * 200, token=token))

    async def is_logged() -> bool:
        return '"malformed"' in ingester.process.log_path.read_text()

    await eventually(is_logged, within=seconds(5))
    written = ingester.process.log_path.read_text()
    assert "unknown_preview" in written
    for secret in ("noon", token[-20:], "openid-9", link.task_name):
        assert secret not in written


async def test_what_answers_come_to_is_counted(an_ingester: StartIngester) -> None:
    ingester, link = await an_ingester(**KEYS), a_link()

    await look(ingester, "forged")
    await look(ingester, signed(link, lasts=-timedelta(seconds=2)))
    await say(ingester, an_answer(link))

    for outcome in ("unknown_preview", "link_expired", "accepted"):
        assert await ingester.metric(f'ingest_callbacks_total{{outcome="{outcome}"}}') == 1
    assert await ingester.metric('ingest_events_total{type="message.received"}') == 1
