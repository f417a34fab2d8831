"""What is sent for each content, and what WeChat does not carry (WX 14.2, 14.3)."""

import json
from typing import Any

import pytest

from domain.identity import MessageId
from providers.wechat.entries import parts_of
from providers.wechat.payloads import ANSWER, NOTIFY, CannotCarry, draft_of, file_of
from schemas.topics.contents import (
    AudioContent,
    CardButton,
    CardContent,
    Content,
    DocumentContent,
    GroupSendContent,
    ImageContent,
    LinkContent,
    LocationContent,
    MarkdownContent,
    MiniProgramContent,
    ReactionContent,
    StickerContent,
    TextContent,
    VideoContent,
)
from schemas.topics.files import File
from schemas.topics.templates import TemplateContent
from simulator.wechat.templates import PREVIEW
from tests.providers.wechat.channels import USER, a_message, a_notification

BUTTONS = (CardButton(key="confirm", title="确认"), CardButton(key="modify", title="修改"))


def body_of(content: Content, *, state: str = "formal", media_id: str = "") -> dict[str, Any]:
    message = a_message(content=content, message_id=MessageId("msg:1"))
    return json.loads(draft_of(message, state, media_id).body)


def test_a_notification_has_its_values_page_language_and_edition() -> None:
    content = a_notification(
        data={"thing1": "two\nlines"}, page="pages/confirm?token=abc", language="en_US"
    )

    assert draft_of(a_message(content=content), "formal", "").name == NOTIFY
    assert body_of(content, state="trial") == {
        "touser": USER,
        "template_id": PREVIEW,
        "page": "pages/confirm?token=abc",
        "miniprogram_state": "trial",
        "lang": "en_US",
        "data": {"thing1": {"value": "two lines"}},
    }


def test_a_notification_without_a_page_leads_nowhere() -> None:
    assert "page" not in body_of(a_notification())


def test_nothing_is_escaped() -> None:
    draft = draft_of(a_message(content=TextContent(body="确认 🎉")), "formal", "")

    assert "确认 🎉".encode() in draft.body


@pytest.mark.parametrize(
    ("content", "kind", "held"),
    [
        (TextContent(body="Hi", preview_url=True), "text", {"content": "Hi"}),
        (
            LinkContent(title="Course", url="https://a.example/1", description="At six"),
            "text",
            {"content": "Course\nAt six\nhttps://a.example/1"},
        ),
        (ImageContent(id="theirs"), "image", {"media_id": "m-1"}),
        (
            MiniProgramContent(
                title="Task", app_id="wx1", page="pages/task", cover=File(key="a/b.png")
            ),
            "miniprogrampage",
            {"title": "Task", "appid": "wx1", "pagepath": "pages/task", "thumb_media_id": "m-1"},
        ),
        (
            CardContent(title="Right?", buttons=BUTTONS, description="A preview", task_id="p-1"),
            "msgmenu",
            {
                "head_content": "Right?\nA preview",
                "list": [
                    {"id": "confirm#p-1", "content": "确认"},
                    {"id": "modify#p-1", "content": "修改"},
                ],
                "tail_content": "",
            },
        ),
    ],
)
def test_an_answer_has_the_shape_of_its_type(
    content: Content, kind: str, held: dict[str, Any]
) -> None:
    assert draft_of(a_message(content=content), "formal", "m-1").name == ANSWER
    assert body_of(content, media_id="m-1") == {"touser": USER, "msgtype": kind, kind: held}


def test_a_card_without_a_task_gives_back_the_message() -> None:
    entries = body_of(CardContent(title="Right?", buttons=BUTTONS))["msgmenu"]["list"]

    assert [parts_of(entry["id"]) for entry in entries] == [
        ("confirm", "msg:1"),
        ("modify", "msg:1"),
    ]


def test_a_key_may_hold_the_sign_that_ends_it() -> None:
    card = CardContent(title="?", buttons=(CardButton(key="a#b", title="A"),), task_id="t")

    (entry,) = body_of(card)["msgmenu"]["list"]

    assert parts_of(entry["id"]) == ("a#b", "t")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (AudioContent(key="a/b.amr"), "content.type: WeChat carries no audio"),
        (VideoContent(key="a/b.mp4"), "content.type: WeChat carries no video"),
        (DocumentContent(key="a/b.pdf"), "content.type: WeChat carries no document"),
        (StickerContent(key="a/b.webp"), "content.type: WeChat carries no sticker"),
        (LocationContent(latitude=1, longitude=2), "content.type: WeChat carries no location"),
        (ReactionContent(provider_message_id="1", emoji="👍"), "WeChat carries no reaction"),
        (MarkdownContent(body="*"), "content.type: WeChat carries no markdown"),
        (TemplateContent(name="t"), "content.type: WeChat carries no template"),
        (GroupSendContent(targets=("a",)), "content.type: WeChat carries no group_send"),
        (ImageContent(link="https://a.example/1.png"), "content.link: WeChat fetches no files"),
        (ImageContent(key="a/b.png", caption="A plan"), "content.caption: WeChat shows none"),
        (a_notification(data={"number1": "many"}), "content.data.number1: must be a number"),
    ],
)
def test_what_wechat_does_not_carry_is_refused_by_its_field(content: Content, why: str) -> None:
    with pytest.raises(CannotCarry, match=why):
        draft_of(a_message(content=content), "formal", "")


def test_a_picture_and_a_cover_have_to_be_there_before() -> None:
    cover = File(key="a/b.png")
    page = MiniProgramContent(title="Task", app_id="wx1", page="pages/task", cover=cover)
    picture = ImageContent(key="a/b.png")

    assert [file_of(each) for each in (picture, page, TextContent(body="Hi"))] == [
        picture,
        cover,
        None,
    ]
