"""Conversations, histories and searches: whole, in order, and of the caller's tenant alone."""

import csv
import io
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from runtime.auth import Permission
from runtime.vault import forget
from schemas.topics.contents import TextContent
from tests.callers import of_tenant
from tests.given import NOON, SENDER, a_message_received
from tests.sealed import VAULT
from tests.services.status_projector.asking import Asker, asking
from tests.services.status_projector.facts import Life, Projector, Record

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

SEARCH, HISTORY = "/api/v1/messages", "/api/v1/im/messages"
CONVERSATIONS = "/api/v1/im/conversations"


def told(projector: Projector, records: Sequence[Record]) -> None:
    projector.apply([projector.heard(record) for record in records])


def sent(projector: Projector, count: int, **what_matters: Any) -> list[Life]:  # noqa: ANN401
    """Send that many messages, a second apart; return them, oldest first."""
    lives = [Life() for _ in range(count)]
    told(
        projector,
        [
            life.request(**{"requested_at": NOON + timedelta(seconds=n)} | what_matters)
            for n, life in enumerate(lives)
        ],
    )
    return lives


def ids(items: list[dict[str, Any]]) -> list[str]:
    return [item["messageId"] for item in items]


def names(lives: Sequence[Life]) -> list[str]:
    return [life.message_id for life in lives]


def a_contact() -> str:
    return f"contact-{uuid4().hex[:8]}"


async def test_a_bubble_has_everything_that_it_shows(projector: Projector, ask: Asker) -> None:
    life = Life()
    request = life.request(
        contact_id=a_contact(), order_id="A-17", agent_id="ada", content=TextContent(body="Hi")
    )
    told(projector, [request, life.started(), life.accepted(), life.reported("delivered", 5)])

    data = await ask.data(f"{HISTORY}/{life.message_id}")

    assert data["text"] == "Hi"
    assert data["content"] == {"type": "text", "body": "Hi"}
    assert (data["recipient"], data["direction"]) == (request.recipient, "outbound")
    assert (data["status"], data["sequence"], data["retried"]) == ("delivered", 3, False)
    assert data["price"] == {
        "amount": 0.005,
        "currency": "USD",
        "billable": None,
        "model": None,
        "kind": None,
    }
    assert (data["orderId"], data["agentId"], data["participants"]) == ("A-17", "ada", None)


async def test_what_came_in_belongs_to_the_contact_and_has_no_price(
    projector: Projector, ask: Asker
) -> None:
    contact, number = a_contact(), f"1650555{uuid4().int % 10_000:04d}"
    (life,) = sent(projector, 1, recipient=f"+{number}", contact_id=contact)
    told(projector, [a_message_received(author=number, occurred_at=NOON + timedelta(seconds=9))])

    page = await ask.data(HISTORY, contactId=contact)

    assert [item["direction"] for item in page["items"]] == ["outbound", "inbound"]
    assert page["items"][0]["messageId"] == life.message_id
    detail = await ask.data(f"{HISTORY}/{page['items'][1]['messageId']}")
    assert (detail["text"], detail["price"]) == ("Where is my order?", None)


async def test_a_history_has_each_change_that_people_see(projector: Projector, ask: Asker) -> None:
    life = Life()
    told(projector, [life.request(), life.started(), life.accepted(), life.reported("read", 9)])

    changes = await ask.data(f"{HISTORY}/{life.message_id}/history")

    assert [(one["fromStatus"], one["toStatus"], one["source"]) for one in changes] == [
        ("sending", "sent", "webhook"),
        ("sent", "read", "webhook"),
    ]
    assert set(changes[0]) == {"messageId", "fromStatus", "toStatus", "updatedAt", "source"}
    assert changes[1]["updatedAt"] == "2026-03-02T12:00:09.000Z"


async def test_a_conversation_is_paged_in_both_directions_without_a_gap(
    projector: Projector, ask: Asker
) -> None:
    contact = a_contact()
    lives = sent(projector, 7, contact_id=contact)

    newest = await ask.data(HISTORY, contactId=contact, limit=3)
    older = await ask.data(HISTORY, contactId=contact, limit=3, before=newest["before"])
    oldest = await ask.data(HISTORY, contactId=contact, limit=3, before=older["before"])
    back = await ask.data(HISTORY, contactId=contact, limit=3, after=oldest["after"])
    nothing = await ask.data(HISTORY, contactId=contact, after=newest["after"])
    late = sent(projector, 1, contact_id=contact, requested_at=NOON + timedelta(minutes=1))
    then = await ask.data(HISTORY, contactId=contact, after=nothing["after"])

    pages = [oldest, older, newest]
    assert [one for page in pages for one in ids(page["items"])] == names(lives)
    assert oldest["before"] is None
    assert ids(back["items"]) == ids(older["items"])
    assert nothing["items"] == []
    assert ids(then["items"]) == names(late)


async def test_messages_of_one_moment_are_told_apart(projector: Projector, ask: Asker) -> None:
    contact = a_contact()
    lives = sent(projector, 5, contact_id=contact, requested_at=NOON)

    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await ask.data(SEARCH, contactId=contact, limit=2, order="asc", **cursor)
        found += ids(page["items"])
        if page["nextCursor"] is None:
            break
        cursor = {"cursor": page["nextCursor"]}

    assert sorted(found) == sorted(names(lives))


@pytest.mark.parametrize(
    ("filter_", "request_"),
    [
        ({"caseId": "case-x"}, {"case_id": "case-x"}),
        ({"orderId": "order-x"}, {"order_id": "order-x"}),
        ({"agentId": "agent-x"}, {"agent_id": "agent-x"}),
        ({"jobId": "job-x"}, {"job_id": "job-x"}),
        ({"senderId": "sender-x"}, {"sender_id": "sender-x"}),
        ({"recipient": "+8613800000001"}, {"recipient": "+8613800000001"}),
        ({"recipient": "8613800000002"}, {"recipient": "+8613800000002"}),
        ({"channel": "wecom", "recipient": "LiSi"}, {"channel": "wecom", "recipient": "LiSi"}),
        ({"recipient": "ZhangSan"}, {"channel": "wecom", "recipient": "ZhangSan"}),
    ],
)
async def test_a_search_finds_by_what_a_message_is_about(
    projector: Projector, ask: Asker, filter_: dict[str, str], request_: dict[str, Any]
) -> None:
    lives = sent(projector, 3, **request_)

    page = await ask.data(SEARCH, **filter_)

    assert ids(page["items"]) == names(lives)[::-1]


async def test_a_search_finds_by_how_far_a_message_came(projector: Projector, ask: Asker) -> None:
    sender = "sender-far"
    lives = sent(projector, 4, sender_id=sender)
    told(
        projector,
        [
            lives[1].started(),
            lives[2].accepted(),
            lives[2].reported("read", 9),
            lives[3].started(),
            lives[3].rejected(),
        ],
    )

    async def found(**filters: str) -> list[str]:
        return ids((await ask.data(SEARCH, senderId=sender, order="asc", **filters))["items"])

    assert await found(status="sending") == names(lives[:2])
    assert await found(status="read") == names(lives[2:3])
    assert await found(status="failed") == names(lives[3:])
    assert await found(errorCode="INVALID_RECIPIENT") == names(lives[3:])
    assert await found(status="delivered") == []


async def test_rare_messages_are_found_page_by_page_over_a_long_time(
    projector: Projector, ask: Asker
) -> None:
    sender = "sender-seldom"
    lives = [Life() for _ in range(9)]
    told(
        projector,
        [
            life.request(
                sender_id=sender, requested_at=NOON - timedelta(hours=5 * n, minutes=7 * n)
            )
            for n, life in enumerate(lives)
        ],
    )

    found: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(5):
        page = await ask.data(SEARCH, senderId=sender, limit=2, **cursor)
        found += ids(page["items"])
        cursor = {"cursor": page["nextCursor"] or ""}

    assert found == names(lives)
    assert cursor == {"cursor": ""}


async def test_a_time_range_has_its_beginning_and_not_its_end(
    projector: Projector, ask: Asker
) -> None:
    lives = sent(projector, 4, sender_id="sender-ranged")
    second = timedelta(seconds=1)
    range_ = {"from": (NOON + second).isoformat(), "to": (NOON + 3 * second).isoformat()}

    page = await ask.data(SEARCH, senderId="sender-ranged", order="asc", **range_)

    assert ids(page["items"]) == names(lives[1:3])


async def test_an_export_has_every_row_of_the_search(
    projector: Projector, ask: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.status_projector.routes.search.AT_ONCE", 2)
    lives = sent(projector, 5, case_id="case-file", content=TextContent(body="=1+1"))

    file = await ask.get(f"{SEARCH}/export", caseId="case-file", order="asc")
    same = await ask.client.get(
        SEARCH, params={"caseId": "case-file", "order": "asc"}, headers={"Accept": "text/csv"}
    )

    rows = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"), newline="")))
    assert file.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert [row["messageId"] for row in rows] == names(lives)
    assert rows[0]["recipient"] == "'+16505550001"
    assert rows[0]["text"] == "'=1+1"
    assert same.content == file.content


async def test_conversations_with_unread_messages_come_first(
    projector: Projector, ask: Asker
) -> None:
    contacts = [a_contact() for _ in range(4)]
    numbers = [f"1650777{n:04d}" for n in range(4)]
    for second, (contact, number) in enumerate(zip(contacts, numbers, strict=True)):
        sent(
            projector,
            1,
            recipient=f"+{number}",
            contact_id=contact,
            sender_id="sender-talks",
            requested_at=NOON + timedelta(seconds=second),
        )
    for number in numbers[:2]:
        at = NOON + timedelta(minutes=1)
        told(
            projector,
            [a_message_received(author=number, sender_id="sender-talks", occurred_at=at)],
        )

    async def listed(sort: str) -> list[str]:
        found: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = await ask.data(
                CONVERSATIONS, senderId="sender-talks", sort=sort, limit=1, **cursor
            )
            found += [item["contactId"] for item in page["items"]]
            if page["nextCursor"] is None:
                return found
            cursor = {"cursor": page["nextCursor"]}

    told(
        projector,
        [
            Life().request(
                recipient=f"+{numbers[3]}",
                contact_id=contacts[3],
                sender_id="sender-talks",
                requested_at=NOON + timedelta(minutes=2),
            )
        ],
    )
    assert set((await listed("unread"))[:2]) == set(contacts[:2])
    assert (await listed("unread"))[2:] == [contacts[3], contacts[2]]
    assert (await listed("time"))[0] == contacts[3]
    (one,) = (await ask.data(CONVERSATIONS, phone=f"+{numbers[0]}"))["items"]
    assert (one["unread"], one["lastText"], one["recipient"]) == (
        1,
        "Where is my order?",
        numbers[0],
    )
    (by_contact,) = (await ask.data(CONVERSATIONS, contactId=contacts[2]))["items"]
    assert (
        by_contact["conversationId"]
        == (await ask.data(HISTORY, conversationId=by_contact["conversationId"]))["items"][0][
            "conversationId"
        ]
    )


async def test_other_tenants_rows_are_not_there(
    projector: Projector, app: FastAPI, ask: Asker
) -> None:
    contact = a_contact()
    (ours,) = sent(projector, 1, contact_id=contact, tenant_id="acme", recipient="+16508880001")
    (theirs,) = sent(projector, 1, contact_id=contact, tenant_id="rival", recipient="+16508880002")
    (talk,) = (await ask.data(CONVERSATIONS, phone="+16508880002"))["items"]

    async with asking(app, of_tenant("acme")) as acme:
        found = await acme.data(SEARCH, contactId=contact)
        history = await acme.data(HISTORY, contactId=contact)
        talks = await acme.data(CONVERSATIONS, contactId=contact)
        file = await acme.get(f"{SEARCH}/export", contactId=contact)
        refused = [
            await acme.get(f"{HISTORY}/{theirs.message_id}{rest}")
            for rest in ("", "/history", "/status")
        ]
        refused.append(await acme.get(HISTORY, conversationId=talk["conversationId"]))

    assert ids(found["items"]) == ids(history["items"]) == names([ours])
    assert len(talks["items"]) == 1
    assert theirs.message_id not in file.text
    assert [answer.status_code for answer in refused] == [404] * 4


async def test_who_may_not_is_refused(app: FastAPI) -> None:
    async with asking(app, of_tenant("acme", Permission.STATISTICS_VIEW)) as clerk:
        answers = [await clerk.get(path) for path in (SEARCH, CONVERSATIONS, f"{SEARCH}/export")]

    assert [answer.status_code for answer in answers] == [403] * 3


async def test_who_was_forgotten_is_null_and_still_counted(
    projector: Projector, ask: Asker, engine: sa.Engine
) -> None:
    (life,) = sent(projector, 1, case_id="case-gone", recipient="+16509990001")
    with engine.begin() as connection:
        assert forget(connection, VAULT.person("whatsapp", "+16509990001"))

    (item,) = (await ask.data(SEARCH, caseId="case-gone"))["items"]
    detail = await ask.data(f"{HISTORY}/{life.message_id}")

    assert (item["recipient"], item["text"], item["status"]) == (None, None, "sending")
    assert (detail["content"], detail["senderId"]) == (None, SENDER)


async def test_a_status_that_has_not_changed_is_not_sent_again(
    projector: Projector, ask: Asker
) -> None:
    (life,) = sent(projector, 1)
    path = f"{HISTORY}/{life.message_id}/status"

    first = await ask.get(path)
    known = {"If-None-Match": f'"other", W/{first.headers["ETag"]}'}
    second = await ask.client.get(path, headers=known)
    told(projector, [life.started(), life.accepted()])
    third = await ask.client.get(path, headers=known)

    assert (second.status_code, second.content) == (304, b"")
    assert second.headers["ETag"] == first.headers["ETag"]
    assert (third.status_code, third.json()["data"]["status"]) == (200, "sent")
    assert "Last-Modified" in third.headers
