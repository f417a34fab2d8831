"""How the items of a customer-service page become events (WX 10)."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.answers import Choice
from providers.wecom.customer_service import event_of, page_of
from providers.wecom.tokens import CallFailed
from schemas.topics.provider_events import (
    PROVIDER_EVENTS,
    InboundMedia,
    MessageReceived,
    NoticeReceived,
)

DESK = "wkDesk"


def an_item(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 - any field of an item
    return {
        "msgid": "m1",
        "open_kfid": DESK,
        "external_userid": "wmCustomer",
        "send_time": 1_772_452_800,
        "origin": 3,
        "msgtype": "text",
        "text": {"content": "hello"},
        **fields,
    }


@pytest.mark.parametrize(
    ("text", "choice", "about"),
    [
        ({"content": "hello"}, None, None),
        ({"content": "确认"}, Choice.CONFIRM, None),
        ({"content": "Fine", "menu_id": "confirm"}, Choice.CONFIRM, "confirm"),
        ({"content": "修改", "menu_id": "entry-7"}, Choice.MODIFY, "entry-7"),
    ],
)
def test_a_text_says_what_it_decides(
    text: dict[str, str], choice: Choice | None, about: str | None
) -> None:
    message = event_of("ww1", DESK, an_item(text=text))

    assert isinstance(message, MessageReceived)
    assert (message.choice, message.about) == (choice, about)
    assert message.content["body"] == text["content"]
    assert "content" not in message.content


@pytest.mark.parametrize("kind", ["image", "voice", "video", "file"])
def test_a_file_is_named_so_that_it_is_fetched(kind: str) -> None:
    message = event_of("ww1", DESK, an_item(msgtype=kind, **{kind: {"media_id": "f1"}}))

    assert isinstance(message, MessageReceived)
    assert message.media == InboundMedia(id="f1")
    assert message.content == {"media_id": "f1"}


@pytest.mark.parametrize(
    ("item", "kind"),
    [
        (an_item(origin=4, msgtype="event", event={"event_type": "enter_session"}),
         "kf.enter_session"),
        (an_item(origin=4, msgtype="event", event={}), "kf.message"),
        (an_item(origin=5), "kf.message"),
        (an_item(msgid=""), "kf.message"),
        (an_item(send_time="yesterday"), "kf.message"),
        ({}, "kf.message"),
    ],
)  # fmt: skip
def test_whatever_else_is_said_is_kept_as_it_came(item: dict[str, Any], kind: str) -> None:
    notice = event_of("ww1", DESK, item)

    assert isinstance(notice, NoticeReceived)
    assert (notice.kind, notice.content) == (kind, item)


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=300),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["content", "menu_id", "media_id", "event_type"]), inner)
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from([*an_item(), "event", "image"]) | st.text(max_size=5), _ANYTHING
    ),
    st.booleans(),
)
def test_every_item_is_a_record_that_can_be_read_and_the_same_each_time(
    changed: dict[str, Any],
    whole: bool,  # noqa: FBT001 - drawn
) -> None:
    item = {**an_item(), **changed} if whole else changed
    answer = msgspec.json.encode({"errcode": 0, "msg_list": [item], "has_more": 0})

    first, again = page_of("ww1", DESK, answer), page_of("ww1", DESK, answer)

    assert first == again
    (event,) = first.events
    assert PROVIDER_EVENTS.decode(msgspec.json.encode(event)) == event


def test_a_page_tells_whether_there_is_more() -> None:
    page = page_of("ww1", DESK, b'{"errcode":0,"next_cursor":"c2","has_more":1,"msg_list":[]}')

    assert (page.next_cursor, page.has_more, page.events) == ("c2", True, ())


@pytest.mark.parametrize("answer", [b"[]", b"<html>", b'{"msg_list":{}}', b'{"next_cursor":7.5}'])
def test_what_is_no_page_is_asked_for_again(answer: bytes) -> None:
    with pytest.raises(CallFailed, match="page unreadable"):
        page_of("ww1", DESK, answer)
