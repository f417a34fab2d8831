"""What the dispatcher makes of what people write."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.consent import Reason, Scope, Statement, Wish, Words
from schemas.topics.provider_events import MessageReceived, NoticeReceived
from services.dispatcher.people import heard
from services.dispatcher.store.people import EVERY_SENDER, Pair
from tests.given import NOON, RECIPIENT, SENDER, a_message_received, a_status_reported

WORDS = Words.of(["STOP", "退订"], ["START"])
USER_ID = "US.13491208655302741918"
PAIR = Pair("whatsapp", SENDER, RECIPIENT)
LATER = NOON + timedelta(seconds=1)


def wishes_in(*messages: MessageReceived) -> dict[tuple[Pair, Scope], Wish]:
    said = heard(messages, WORDS, now=LATER).said
    return {key: statement.wish for key, statement in said.items()}


def a_text(body: str, seconds: float = 0) -> MessageReceived:
    at = NOON + timedelta(seconds=seconds)
    return a_message_received(content={"body": body}, occurred_at=at)


def pressed(kind: str, typed: dict[str, Any]) -> MessageReceived:
    return a_message_received(message_type=kind, content=typed)


def test_a_message_opens_the_window_of_every_name_of_its_author() -> None:
    message = a_message_received(author_user_id=USER_ID)

    found = heard([message], WORDS, now=LATER)

    assert found.wrote == {PAIR: NOON, PAIR._replace(recipient=USER_ID): NOON}
    assert found.said == {}


def test_who_hides_the_number_is_known_by_the_user_id_alone() -> None:
    message = a_message_received(author=USER_ID, author_user_id=USER_ID)

    assert list(heard([message], WORDS, now=LATER).wrote) == [PAIR._replace(recipient=USER_ID)]


@given(st.permutations([a_text("Hi"), a_text("there", 5), a_text("!", 3)]))
def test_the_last_message_of_several_counts_in_whatever_order(
    messages: list[MessageReceived],
) -> None:
    assert heard(messages, WORDS, now=LATER).wrote == {PAIR: NOON + timedelta(seconds=5)}


@pytest.mark.parametrize("kind", ["system", "edit", "revoke"])
def test_what_nobody_wrote_opens_nothing(kind: str) -> None:
    message = pressed(kind, {"body": "STOP"})

    found = heard([message], WORDS, now=LATER)

    assert (found.wrote, found.said) == ({}, {})


def test_what_is_said_in_a_group_is_said_to_the_group() -> None:
    found = heard([a_message_received(group_id="G1", content={"body": "stop"})], WORDS, now=LATER)

    assert (found.wrote, found.said) == ({}, {})


@pytest.mark.parametrize(
    "message",
    [
        a_text(" stop. "),
        pressed("button", {"payload": "x", "text": "Stop"}),
        pressed("button", {"payload": "STOP", "text": "No more of these"}),
        pressed("button", {"payload": "退订"}),
        pressed(
            "interactive",
            {"type": "button_reply", "button_reply": {"id": "stop", "title": "No, thanks"}},
        ),
        pressed("interactive", {"type": "list_reply", "list_reply": {"id": "x", "title": "退订"}}),
        a_message_received(about="stop", content={"body": "Please leave me alone"}),
    ],
    ids=["text", "label", "payload", "card", "button", "row", "menu"],
)
def test_a_word_counts_wherever_it_can_be_said(message: MessageReceived) -> None:
    assert wishes_in(message) == {(PAIR, Scope.ALL): Wish.OPT_OUT}


@pytest.mark.parametrize(
    "message",
    [
        a_text("please stop calling"),
        pressed("image", {"caption": "stop", "id": "1"}),
        pressed("reaction", {"message_id": "wamid.x", "emoji": "stop"}),
        pressed("text", {"body": {"stop": "stop"}}),
        pressed("text", {}),
        pressed("interactive", {"type": "nfm_reply", "nfm_reply": {"name": "stop"}}),
        pressed("interactive", {"type": "button_reply", "button_reply": "stop"}),
        pressed("interactive", {}),
        a_message_received(message_type="button", about="stop", content={"payload": "ok"}),
    ],
)
def test_anything_else_says_nothing(message: MessageReceived) -> None:
    assert wishes_in(message) == {}


@given(st.permutations([a_text("STOP"), a_text("start", 5), a_text("Thanks", 6)]))
def test_the_last_word_of_several_counts_in_whatever_order(
    messages: list[MessageReceived],
) -> None:
    assert wishes_in(*messages) == {(PAIR, Scope.ALL): Wish.OPT_IN}


def test_a_word_is_said_to_the_sender_that_was_written_to() -> None:
    other = a_message_received(sender_id="2", content={"body": "START"})

    assert wishes_in(a_text("STOP"), other) == {
        (PAIR, Scope.ALL): Wish.OPT_OUT,
        (PAIR._replace(sender_id="2"), Scope.ALL): Wish.OPT_IN,
    }


def test_a_member_stops_the_app_and_a_customer_the_whole_company() -> None:
    word = {"channel": "wecom", "account_id": "ww5a", "content": {"body": "退订"}}
    member = a_message_received(sender_id="ww5a.1000002", author="ada", **word)
    customer = a_message_received(sender_id="wkDesk", author="wmEve", **word)

    assert wishes_in(member, customer) == {
        (Pair("wecom", "ww5a.1000002", "ada"), Scope.ALL): Wish.OPT_OUT,
        (Pair("wecom", EVERY_SENDER, "wmEve"), Scope.ALL): Wish.OPT_OUT,
    }
    found = heard([customer], WORDS, now=LATER)
    assert list(found.wrote) == [Pair("wecom", "wkDesk", "wmEve")]


def test_digits_are_a_phone_number_on_whatsapp_only() -> None:
    message = a_message_received(channel="wechat", sender_id="wx1", author="16505550001")

    assert list(heard([message], WORDS, now=LATER).wrote) == [Pair("wechat", "wx1", "16505550001")]


def a_switch(**more: Any) -> NoticeReceived:  # noqa: ANN401 - any field of the record
    item = {"wa_id": RECIPIENT[1:], "category": "marketing_messages", "value": "stop"}
    fields: dict[str, Any] = {
        "channel": "whatsapp",
        "notice_id": "ntc_1",
        "kind": "user_preferences",
        "account_id": "1",
        "content": {"metadata": {"phone_number_id": SENDER}, "user_preferences": [item]},
        "occurred_at": NOON,
    }
    return NoticeReceived(**(fields | more))


def test_the_switch_for_offers_is_an_opt_out_of_those_alone_and_opens_no_window() -> None:
    found = heard([a_switch()], WORDS, now=LATER)

    said = Statement(Wish.OPT_OUT, Scope.MARKETING, Reason.REPLY, NOON)
    assert found.said == {(PAIR, Scope.MARKETING): said}
    assert found.wrote == {}


def test_a_switch_without_a_time_or_a_number_of_ours_was_moved_now_for_all_of_them() -> None:
    content = dict(a_switch().content)
    del content["metadata"]

    found = heard([a_switch(occurred_at=None, content=content)], WORDS, now=LATER)

    [((pair, _), statement)] = found.said.items()
    assert pair.sender_id == EVERY_SENDER
    assert statement.since == LATER


def test_other_notices_and_facts_say_nothing_of_people() -> None:
    events = [a_switch(kind="account_update"), a_switch(channel="wecom"), a_status_reported()]

    found = heard(events, WORDS, now=LATER)

    assert (found.wrote, found.said) == ({}, {})
