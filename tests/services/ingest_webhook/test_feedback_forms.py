"""Opinions about pushes on their form, and by programs (NF-04, IM-42)."""

import re
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from runtime.signed_links import token_for
from schemas.http.feedback import FEEDBACK, FORM, FeedbackLink
from schemas.http.previews import PreviewLink
from schemas.topics.provider_events import FeedbackGiven
from services.ingest_webhook.app import FEEDBACK_BURST
from tests.services.ingest_webhook.ingesters import (
    RunningIngester,
    StartIngester,
    events_in_kafka,
    start_ingester,
    stop_ingester,
)

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

KEY = "k" * 32
TASK = str(uuid4())
KEYS = {"LINK_SIGNING_KEYS": KEY}
NO_KAFKA = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
NOT_FOUND = (404, {"error": "Feedback link not found"})
RECEIVED = (200, {"message": "Feedback received"})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ingester(
    clean_topics: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[RunningIngester]:
    """Return an ingester that knows a key for links."""
    running = await start_ingester(clean_topics, KEYS, tmp_path_factory.mktemp("ingester"))
    yield running
    await stop_ingester(running)


def a_link(task_name: str = "三月会员日") -> FeedbackLink:
    """Return what a link carries; of a push that no other test uses."""
    return FeedbackLink.to(str(uuid4()), TASK, task_name, "acme")


def signed(
    link: FeedbackLink | PreviewLink, *, lasts: timedelta = timedelta(hours=1), key: str = KEY
) -> str:
    return token_for(link, until=datetime.now(UTC) + lasts, key=key.encode())


def an_opinion(link: FeedbackLink, **what_matters: object) -> dict[str, Any]:
    """Return a body."""
    return {"token": signed(link), "userId": "oZhang", "content": "讲得很好"} | what_matters


async def say(ingester: RunningIngester, body: object) -> tuple[int, object]:
    """Answer as a mini-program does."""
    answer = await ingester.client.post(FEEDBACK, json=body)
    return answer.status_code, answer.json()


async def look(
    ingester: RunningIngester, token: str, language: str = "zh-CN", **query: str
) -> httpx.Response:
    headers = {"Accept-Language": language}
    return await ingester.client.get(FORM, params={"token": token, **query}, headers=headers)


def filled_in(page: httpx.Response, content: str) -> dict[str, str]:
    """Return what the browser sends of this form."""
    hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text)
    return {name: unescape(value) for name, value in hidden} | {"content": content}


async def opinions_about(ingester: RunningIngester, link: FeedbackLink) -> list[FeedbackGiven]:
    events = await events_in_kafka(ingester.bootstrap)
    return [e for e in events if isinstance(e, FeedbackGiven) and e.push_id == link.push_id]


async def test_whoever_opens_the_link_sees_the_form_in_their_language(
    ingester: RunningIngester,
) -> None:
    link = a_link("Sale <b>& more</b>")

    chinese = await look(ingester, signed(link))
    english = await look(ingester, signed(link), "en-GB,en;q=0.8")

    for page, language, words in ((chinese, "zh-CN", "提交"), (english, "en", "Send")):
        assert page.status_code == 200
        assert f'<html lang="{language}">' in page.text
        assert f">{words}</button>" in page.text
        assert "Sale &lt;b&gt;&amp; more&lt;/b&gt;" in page.text
        assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src")


async def test_an_opinion_of_the_form_is_a_fact(ingester: RunningIngester) -> None:
    link = a_link()
    form = await look(ingester, signed(link), user="oChen")

    page = await ingester.client.post(FEEDBACK, data=filled_in(form, " 太晚了\r\n谢谢 "))

    assert (page.status_code, "已收到您的反馈" in page.text) == (200, True)
    (fact,) = await opinions_about(ingester, link)
    assert (fact.task_id, fact.tenant_id) == (TASK, "acme")
    assert (fact.user_id, fact.content) == ("oChen", "太晚了\n谢谢")


async def test_a_browser_that_comes_again_is_the_same_one(ingester: RunningIngester) -> None:
    token = signed(a_link())

    first = filled_in(await look(ingester, token), "")["userId"]
    ingester.client.cookies.clear()  # they go over HTTPS only, so this client sends none by itself
    again = await ingester.client.get(
        FORM, params={"token": token}, headers={"Cookie": f"feedback_user={first}"}
    )
    another = filled_in(await look(ingester, token), "")["userId"]

    assert first.startswith("web-")
    assert filled_in(again, "")["userId"] == first
    assert another != first


async def test_a_mini_program_says_whose_opinion_it_is(ingester: RunningIngester) -> None:
    link = a_link()

    assert await say(ingester, an_opinion(link)) == RECEIVED

    (fact,) = await opinions_about(ingester, link)
    assert fact.user_id == "oZhang"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("content", ""),
        ("content", " \n "),
        ("content", "长" * 1_001),
        ("content", "a\x00b"),
        ("content", 7),
        ("userId", ""),
        ("userId", "张 伟"),
        ("userId", "x" * 65),
        ("userId", None),
    ],
)
async def test_a_wrong_field_is_named(ingester: RunningIngester, field: str, value: object) -> None:
    link = a_link()

    status, body = await say(ingester, an_opinion(link, **{field: value}))

    assert (status, str(body).startswith(f"{{'error': '{field}: ")) == (400, True)
    assert await opinions_about(ingester, link) == []


async def test_an_opinion_of_the_longest_is_kept(ingester: RunningIngester) -> None:
    link = a_link()

    # Each takes twelve letters in a form, and counts as one.
    page = await ingester.client.post(FEEDBACK, data=an_opinion(link, content="👍" * 1_000))

    assert page.status_code == 200
    assert len((await opinions_about(ingester, link))[0].content) == 1_000


async def test_a_form_that_is_refused_keeps_what_was_written(ingester: RunningIngester) -> None:
    page = await ingester.client.post(FEEDBACK, data=an_opinion(a_link(), content="长" * 1_001))

    assert (page.status_code, 'role="alert"' in page.text) == (400, True)
    assert "长" * 1_001 in page.text


async def test_a_forged_link_and_one_to_another_thing_open_nothing(
    ingester: RunningIngester,
) -> None:
    link = a_link()
    preview = PreviewLink("preview-1", "task-1", "三月会员日", "wechat", "wx_app", "openid-1")

    for token in (
        "",
        "forged",
        signed(link, key="another key of thirty-two letters"),
        signed(preview),
    ):
        assert await say(ingester, an_opinion(link, token=token)) == NOT_FOUND
        page = await look(ingester, token)
        assert (page.status_code, "找不到此反馈表" in page.text) == (404, True)


async def test_an_expired_link_says_so(ingester: RunningIngester) -> None:
    link = a_link()
    token = signed(link, lasts=timedelta(seconds=-1))

    assert await say(ingester, an_opinion(link, token=token)) == (
        410,
        {"error": "Feedback link expired"},
    )
    page = await look(ingester, token, "en")
    assert (page.status_code, "Feedback has ended" in page.text) == (410, True)


async def test_nothing_is_said_to_be_received_before_kafka_has_it(
    an_ingester: StartIngester,
) -> None:
    ingester = await an_ingester(ready_at="/healthz", **KEYS, **NO_KAFKA)

    status, _ = await say(ingester, an_opinion(a_link()))
    page = await ingester.client.post(FEEDBACK, data=an_opinion(a_link()))

    assert status == 503
    assert (page.status_code, "暂时无法保存" in page.text) == (503, True)


async def test_a_source_that_answers_without_end_is_told_to_wait(
    an_ingester: StartIngester,
) -> None:
    ingester = await an_ingester(**KEYS)
    link = a_link()

    answers = [
        await ingester.client.post(FEEDBACK, json=an_opinion(link, token="forged"))
        for _ in range(FEEDBACK_BURST + 20)
    ]

    assert {answer.status_code for answer in answers} == {404, 429}
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert int(refused.headers["Retry-After"]) >= 1
