"""POST /api/v1/im/messages: every content on every channel, with all that a request may say."""

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import msgspec
import pytest

from domain.failures import ErrorCode
from schemas.topics.contents import Content, TextContent, type_of
from schemas.topics.send_requests import Fallback, SendRequested
from tests.eventually import eventually, seconds
from tests.given import SENDER
from tests.services.scheduler.schedulers import RunningScheduler, Tail

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

PICTURE = {"link": "https://example.com/a.png"}
CONTENTS: dict[str, dict[str, Any]] = {
    "text": {"body": "Hi", "previewUrl": True},
    "image": PICTURE | {"caption": "A"},
    "document": {"key": "2026/a.pdf", "fileName": "a.pdf"},
    "audio": {"id": "4711", "voice": True},
    "video": PICTURE,
    "sticker": PICTURE,
    "location": {"latitude": 48.2, "longitude": 16.4, "name": "Vienna"},
    "contacts": {"contacts": [{"name": {"formattedName": "Ada"}}]},
    "reaction": {"providerMessageId": "wamid.1", "emoji": "👍"},
    "template": {"name": "order_status_update", "body": [{"type": "text", "text": "A-17"}]},
    "interactive": {
        "body": "Yes?",
        "action": {"kind": "buttons", "buttons": [{"id": "y", "title": "Yes"}]},
    },
    "link": {"title": "A", "url": "https://example.com"},
    "miniprogram": {"title": "A", "appId": "wx1", "page": "index", "cover": {"id": "1"}},
    "markdown": {"body": "**Hi**"},
    "article": {"title": "Spring", "body": "It is here.", "cover": {"key": "uploads/1.jpg"}},
    "card": {"title": "Well?", "buttons": [{"key": "y", "title": "Yes"}]},
    "notification": {"templateId": "t1", "data": {"thing1": "A"}},
    "group_send": {"targets": ["wm1"], "text": "Hi"},
}


KINDS: list[str] = [str(kind.__struct_config__.tag) for kind in get_args(Content)]


@pytest.mark.parametrize("kind", KINDS)
async def test_each_content_is_sent_as_it_was_given(
    scheduler: RunningScheduler, requests: Tail[SendRequested], kind: str
) -> None:
    given = CONTENTS[kind]

    answers = [
        await scheduler.send(messageType=kind, content=content)
        for content in (given, given | {"type": kind})
    ]

    assert [answer.status_code for answer in answers] == [201, 201]
    one, other = await requests.read()
    assert one.content == other.content
    assert type_of(one.content) == kind
    assert msgspec.json.decode(msgspec.json.encode(one.content)) == given | {"type": kind}


WRONG: list[tuple[str, object, str]] = [
    (
        "interactive",
        {"body": "Yes?", "action": {"kind": "buttons", "buttons": [{"id": "y", "title": ""}]}},
        "content.action.buttons[0].title",
    ),
    ("card", {"title": "Well?", "buttons": [{"key": "y"}]}, "content.buttons[0].title"),
    ("contacts", {"contacts": [{"name": {}}]}, "content.contacts[0].name.formattedName"),
    ("image", {}, "content"),
    ("image", "https://example.com/a.png", "content"),
    ("card", {"title": "a\x00b", "buttons": [{"key": "y", "title": "Y"}]}, "content.title"),
]


@pytest.mark.parametrize(("kind", "content", "field"), WRONG)
async def test_a_wrong_field_inside_a_content_is_named(
    scheduler: RunningScheduler, kind: str, content: object, field: str
) -> None:
    answer = await scheduler.send(messageType=kind, content=content)

    assert answer.status_code == 400
    assert answer.json()["data"] == {"field": field}
    assert answer.json()["message"].startswith(f"{field}: ")


async def test_all_that_a_request_may_say_is_handed_on_also_when_it_is_timed(
    scheduler: RunningScheduler, requests: Tail[SendRequested]
) -> None:
    due_at = datetime.now(UTC) + timedelta(seconds=1)
    expires_at = due_at + timedelta(minutes=5)

    answer = await scheduler.send(
        channel="wecom",
        senderId="ww1.1000002",
        recipient="ada",
        priority="low",
        whenLimited="wait",
        replyTo="msgid-1",
        scheduledAt=due_at.isoformat(),
        expiresAt=expires_at.isoformat(),
        fallback={
            "channel": "whatsapp",
            "recipient": "+1 (650) 555-0002",
            "content": {"type": "text", "body": "Hi again"},
            "onErrors": ["INVALID_RECIPIENT"],
        },
    )

    (request,) = await eventually(requests.read, within=seconds(20))
    data = answer.json()["data"]
    assert request == SendRequested(
        message_id=data["messageId"],
        channel="wecom",
        sender_id="ww1.1000002",
        recipient="ada",
        content=TextContent(body="Hi Ada"),
        requested_at=datetime.fromisoformat(data["sentAt"]),
        priority="low",
        when_limited="wait",
        reply_to="msgid-1",
        expires_at=expires_at,
        contact_id="ada",
        agent_id="1",
        fallback=Fallback(
            channel="whatsapp",
            sender_id=SENDER,
            recipient="+16505550002",
            content=TextContent(body="Hi again"),
            on_errors=(ErrorCode.INVALID_RECIPIENT,),
        ),
    )


async def test_a_message_must_be_due_before_it_expires(scheduler: RunningScheduler) -> None:
    now = datetime.now(UTC)

    answer = await scheduler.send(
        scheduledAt=(now + timedelta(hours=2)).isoformat(),
        expiresAt=(now + timedelta(hours=1)).isoformat(),
    )

    assert (answer.status_code, answer.json()["data"]) == (400, {"field": "expiresAt"})


async def test_a_repetition_that_comes_after_its_time_gets_the_first_answer(
    scheduler: RunningScheduler, requests: Tail[SendRequested]
) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=4)

    first = await scheduler.send(key="brief", expiresAt=soon.isoformat())
    await eventually(lambda: datetime.now(UTC) > soon, within=seconds(10))
    again = await scheduler.send(key="brief", expiresAt=soon.isoformat())
    late = await scheduler.send(key="late", expiresAt=soon.isoformat())
    mended = await scheduler.send(key="late")

    assert (again.status_code, again.json()) == (201, first.json())
    assert (late.status_code, late.json()["data"]) == (400, {"field": "expiresAt"})
    assert mended.status_code == 201
    assert len(await requests.read()) == 2


async def test_the_default_sender_is_one_of_whatsapp(scheduler: RunningScheduler) -> None:
    answer = await scheduler.send(channel="wecom", recipient="ada")

    assert (answer.status_code, answer.json()["data"]) == (400, {"field": "senderId"})
