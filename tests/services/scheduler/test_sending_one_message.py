"""POST /api/v1/im/messages: what is accepted, under which id, what is refused (IM-01, IM-37)."""

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
import sqlalchemy as sa

from domain.identity import message_id_for_key
from schemas.topics.contents import TextContent, words_of
from schemas.topics.send_requests import SendRequested
from tests.given import SENDER, a_message_id
from tests.services.scheduler.schedulers import MESSAGES, RunningScheduler, Tail, a_message
from tests.vaults import the_vault

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

A_PHONE = "+16505550001"
A_TEXT = {"type": "text", "body": "Hi"}


async def test_an_accepted_send_is_on_its_way_before_its_answer(
    scheduler: RunningScheduler, requests: Tail[SendRequested], database: sa.Engine
) -> None:
    context = {
        "waAccountType": "enterprise",
        "waAccountId": "4711",
        "caseId": "case-1",
        "tenantId": "acme",
        "queueId": "queue-2",
        "originalMessageId": a_message_id(),
    }

    answer = await scheduler.send(recipient="+1 (650) 555-0001", **context)

    envelope = answer.json()
    data = envelope["data"]
    assert (answer.status_code, envelope["code"], envelope["message"]) == (201, 201, "success")
    assert data["status"] == "sending"
    with database.connect() as connection:
        query = sa.text("SELECT published_at FROM accepted_sends WHERE message_id = :id")
        assert connection.execute(query, {"id": data["messageId"]}).scalar_one() is not None
    assert await requests.read() == [
        SendRequested(
            message_id=data["messageId"],
            channel="whatsapp",
            sender_id="4711",
            recipient=A_PHONE,
            content=TextContent(body="Hi Ada"),
            requested_at=datetime.fromisoformat(data["sentAt"]),
            contact_id="ada",
            agent_id="1",
            wa_account_type="enterprise",
            wa_account_id="4711",
            case_id="case-1",
            tenant_id="acme",
            queue_id="queue-2",
            original_message_id=context["originalMessageId"],
            priority="high",
        )
    ]


async def test_a_contact_that_is_a_phone_number_needs_no_recipient(
    scheduler: RunningScheduler, requests: Tail[SendRequested]
) -> None:
    await scheduler.send(contactId=A_PHONE, recipient=None)

    (request,) = await requests.read()
    assert (request.contact_id, request.recipient, request.sender_id) == (A_PHONE, A_PHONE, SENDER)


async def test_a_key_repeated_gets_the_first_answer_and_sends_nothing_more(
    scheduler: RunningScheduler, requests: Tail[SendRequested]
) -> None:
    first = await scheduler.send(key="order-17", tenantId="acme")
    again = await scheduler.send(key="order-17", tenantId="acme")
    await scheduler.send(content="the last word")

    assert again.json() == first.json()
    assert first.json()["data"]["messageId"] == message_id_for_key("acme", "order-17")
    bodies = sorted(words_of(request.content) for request in await requests.read())
    assert bodies == ["Hi Ada", "the last word"]


async def test_a_key_repeated_at_the_same_moment_is_one_message(
    scheduler: RunningScheduler, requests: Tail[SendRequested]
) -> None:
    answers = await asyncio.gather(*(scheduler.send(key="impatient") for _ in range(10)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert len(await requests.read()) == 1


async def test_a_key_with_another_body_is_a_conflict(
    scheduler: RunningScheduler, requests: Tail[SendRequested]
) -> None:
    await scheduler.send(key="order-18", content="one thing")
    answer = await scheduler.send(key="order-18", content="another thing")

    assert answer.status_code == 409
    assert answer.json() == {
        "code": 409,
        "message": "This Idempotency-Key was used with another body",
        "data": None,
    }
    assert [words_of(request.content) for request in await requests.read()] == ["one thing"]


async def test_two_tenants_may_choose_the_same_key(scheduler: RunningScheduler) -> None:
    ours = await scheduler.send(key="order-19", tenantId="acme")
    theirs = await scheduler.send(key="order-19", tenantId="globex")

    assert ours.json()["data"]["messageId"] != theirs.json()["data"]["messageId"]


async def test_a_repetition_after_a_crash_publishes_again_under_the_same_id(
    scheduler: RunningScheduler, requests: Tail[SendRequested], database: sa.Engine
) -> None:
    first = await scheduler.send(key="crashed")
    message_id = first.json()["data"]["messageId"]
    (published,) = await requests.read()
    with database.begin() as connection:
        as_if_never_confirmed(connection, published)

    again = await scheduler.send(key="crashed")

    assert again.json() == first.json()
    assert await requests.read() == [published, published]
    assert published.message_id == message_id


def as_if_never_confirmed(connection: sa.Connection, request: SendRequested) -> None:
    """Leave what a crash between the broker's acknowledgement and the answer leaves."""
    connection.execute(sa.text("UPDATE idempotency_keys SET answer = NULL WHERE key = 'crashed'"))
    connection.execute(
        sa.text(
            "UPDATE accepted_sends SET published_at = NULL, request = :r WHERE message_id = :id"
        ),
        {"r": enclosed(connection, request), "id": request.message_id},
    )


def enclosed(connection: sa.Connection, request: SendRequested) -> bytes:
    """Return the request as it is kept."""
    vault = the_vault()
    letter = vault.person(request.channel, request.recipient), msgspec.json.encode(request)
    return vault.enclose(connection, [letter], place="accepted_sends")[0]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("contactId", None),
        ("contactId", ""),
        ("contactId", "x" * 101),
        ("contactId", 17),
        ("messageType", None),
        ("messageType", "dance"),
        ("content", None),
        ("content", ""),
        ("content", "x" * 4_097),
        ("content", "a\x00b"),
        ("content", 5),
        ("content.body", {"body": ""}),
        ("content.body", {"previewUrl": True}),
        ("content.colour", {"body": "Hi", "colour": "red"}),
        ("content.type", {"type": "image", "link": "https://example.com/a.png"}),
        ("recipient", "12345"),
        ("recipient", "0650 555 0001"),
        ("recipient", ""),
        ("senderId", "x" * 65),
        ("waAccountId", "x" * 65),
        ("waAccountType", ""),
        ("caseId", "x" * 101),
        ("tenantId", "a\x00b"),
        ("queueId", 5),
        ("originalMessageId", "no id"),
        ("scheduledAt", "2020-01-01T00:00:00Z"),
        ("scheduledAt", "2030-01-01T00:00:00"),
        ("scheduledAt", "tomorrow"),
        ("scheduledAt", 1_900_000_000),
        ("scheduledAt", "9999-12-31T23:59:59-12:00"),
        ("channel", "Pigeon"),
        ("priority", "urgent"),
        ("whenLimited", "hurry"),
        ("replyTo", ""),
        ("expiresAt", "2020-01-01T00:00:00Z"),
        ("expiresAt", "2999-01-01T00:00:00Z"),
        ("expiresAt", "9999-12-31T23:59:59-12:00"),
        ("expiresAt", "tomorrow"),
        ("fallback.content", {}),
        ("fallback.content.body", {"content": {"type": "text", "body": "a\x00b"}}),
        ("fallback.recipient", {"content": A_TEXT, "recipient": "12345"}),
        ("fallback.senderId", {"content": A_TEXT, "channel": "wecom", "recipient": "ada"}),
        ("fallback", {"content": A_TEXT, "unless": "read"}),
        ("colour", "red"),
    ],
)
async def test_what_is_wrong_is_named(
    scheduler: RunningScheduler, requests: Tail[SendRequested], field: str, value: object
) -> None:
    refused = await scheduler.client.post(
        MESSAGES, json=a_message(**{field.partition(".")[0]: value})
    )
    await scheduler.send(content="the next one")

    envelope = refused.json()
    assert refused.status_code == 400
    assert (envelope["code"], envelope["data"]) == (400, {"field": field})
    assert envelope["message"].startswith(f"{field}: ")
    assert [words_of(request.content) for request in await requests.read()] == ["the next one"]


async def test_a_contact_that_is_no_phone_number_needs_a_recipient(
    scheduler: RunningScheduler,
) -> None:
    answer = await scheduler.send(recipient=None)

    assert answer.json()["data"] == {"field": "recipient"}


async def test_no_error_repeats_a_phone_number(scheduler: RunningScheduler) -> None:
    answer = await scheduler.send(recipient="+1 650 555 00019999")

    assert answer.status_code == 400
    assert "555" not in answer.text


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"contactId": "a"', b"\xff\xfe", b'{"content":"\\ud800"}']
)
async def test_what_is_no_json_is_refused(scheduler: RunningScheduler, body: bytes) -> None:
    answer = await scheduler.client.post(MESSAGES, content=body)

    assert answer.status_code == 400
    assert answer.json()["data"] == {"field": "body"}


async def test_an_oversized_body_is_refused(scheduler: RunningScheduler) -> None:
    answer = await scheduler.client.post(MESSAGES, content=b" " * 600_000)

    assert (answer.status_code, answer.json()["code"]) == (413, 413)


@pytest.mark.parametrize("key", ["", "x" * 256])
async def test_a_key_has_between_1_and_255_characters(
    scheduler: RunningScheduler, key: str
) -> None:
    answer = await scheduler.client.post(
        MESSAGES, json=a_message(), headers={"Idempotency-Key": key}
    )

    assert answer.status_code == 400
    assert answer.json()["data"] == {"field": "Idempotency-Key"}


async def test_a_year_ahead_is_the_farthest(scheduler: RunningScheduler) -> None:
    farthest = datetime.now(UTC) + timedelta(days=365)

    answer = await scheduler.send(scheduledAt=farthest.isoformat())

    assert answer.status_code == 201
