"""Which JSON each message becomes, against WeCom's own examples (WX 2, 5, 6, 11)."""

import json
from base64 import b64encode
from typing import Any

import pytest

from domain.identity import MessageId, SenderId
from providers.contract import Message
from providers.wecom.api_settings import ROBOTS
from providers.wecom.carrying import Body, Media, Wanted, encoded
from providers.wecom.drafts import Drafts
from schemas.topics.contents import (
    AudioContent,
    CardButton,
    CardContent,
    Content,
    DocumentContent,
    ImageContent,
    LinkContent,
    MarkdownContent,
    MiniProgramContent,
    TextContent,
    VideoContent,
)
from schemas.topics.files import File
from tests.providers.wecom.sends import CUSTOMER, a_group_send, a_message, settings_for

DRAFTS = Drafts(settings_for("http://nowhere"))
LINK = LinkContent(title="春季", url="https://shop.example/spring", description="全场八折")
PICTURED = LinkContent(title="春季", url="https://shop.example/s", picture_url="https://a.b/c.png")
PAGE = MiniProgramContent(
    title="订单", app_id="wx8bd80126147dfAAA", page="/p/index.html", cover=File(id="COVER")
)


def body_of(message: Message, known: dict[Wanted, str] | None = None) -> dict[str, Any]:
    body: Body = DRAFTS.of(message).body(Media(known))
    return json.loads(encoded(body))


def said_to_members(content: Content) -> dict[str, Any]:
    """Return the body without what all messages to members have."""
    body = body_of(a_message(content=content))
    return {name: body[name] for name in ("msgtype", body["msgtype"])}


def test_a_text_to_members_names_them_and_the_app() -> None:
    body = body_of(a_message(recipient="UserID1|UserID2", content=TextContent(body="...")))

    del body["duplicate_check_interval"]
    assert body == {
        "touser": "UserID1|UserID2",
        "agentid": 1000002,
        "msgtype": "text",
        "text": {"content": "..."},
        "enable_duplicate_check": 1,
    }


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            MarkdownContent(body="**hi**"),
            {"msgtype": "markdown", "markdown": {"content": "**hi**"}},
        ),
        (ImageContent(id="M"), {"msgtype": "image", "image": {"media_id": "M"}}),
        (AudioContent(id="M"), {"msgtype": "voice", "voice": {"media_id": "M"}}),
        (VideoContent(id="M"), {"msgtype": "video", "video": {"media_id": "M"}}),
        (DocumentContent(id="M"), {"msgtype": "file", "file": {"media_id": "M"}}),
        (
            LINK,
            {
                "msgtype": "textcard",
                "textcard": {
                    "title": "春季",
                    "description": "全场八折",
                    "url": "https://shop.example/spring",
                },
            },
        ),
        (
            PICTURED,
            {
                "msgtype": "news",
                "news": {
                    "articles": [
                        {
                            "title": "春季",
                            "url": "https://shop.example/s",
                            "picurl": "https://a.b/c.png",
                        }
                    ]
                },
            },
        ),
    ],
)
def test_a_content_to_members_has_its_own_type(content: Content, said: dict[str, Any]) -> None:
    assert said_to_members(content) == said


def test_a_page_of_a_mini_program_is_an_article_that_opens_it() -> None:
    page = MiniProgramContent(
        title="订单", app_id="wx8", page="p?a=1", cover=File(link="https://a.b/c.png")
    )

    (article,) = said_to_members(page)["news"]["articles"]

    assert article == {
        "title": "订单",
        "appid": "wx8",
        "pagepath": "p?a=1",
        "picurl": "https://a.b/c.png",
    }


def test_a_card_asks_for_one_of_two_answers() -> None:
    card = CardContent(
        title="Preview",
        description="Please check",
        task_id="preview-8f2c",
        buttons=(CardButton(key="confirm", title="确认"), CardButton(key="modify", title="修改")),
    )

    assert said_to_members(card) == {
        "msgtype": "template_card",
        "template_card": {
            "card_type": "button_interaction",
            "main_title": {"title": "Preview", "desc": "Please check"},
            "task_id": "preview-8f2c",
            "button_list": [
                {"text": "确认", "style": 1, "key": "confirm"},
                {"text": "修改", "style": 2, "key": "modify"},
            ],
        },
    }


def test_a_card_without_a_task_gives_our_message_id_back() -> None:
    card = CardContent(title="Preview", buttons=(CardButton(key="confirm", title="确认"),))

    body = body_of(a_message(message_id=MessageId("preview-17"), content=card))

    assert body["template_card"]["task_id"] == "preview-17"


def test_a_message_to_a_chat_names_the_chat_alone() -> None:
    body = body_of(a_message(recipient="chat:wrkSFfCgAA", content=TextContent(body="hi")))

    assert body == {"chatid": "wrkSFfCgAA", "msgtype": "text", "text": {"content": "hi"}}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (TextContent(body="down"), {"msgtype": "text", "text": {"content": "down"}}),
        (
            MarkdownContent(body="<@zhangsan>"),
            {"msgtype": "markdown", "markdown": {"content": "<@zhangsan>"}},
        ),
        (DocumentContent(id="M"), {"msgtype": "file", "file": {"media_id": "M"}}),
        (
            LINK,
            {
                "msgtype": "news",
                "news": {
                    "articles": [
                        {
                            "title": "春季",
                            "url": "https://shop.example/spring",
                            "description": "全场八折",
                        }
                    ]
                },
            },
        ),
        (
            MiniProgramContent(title="Room", app_id="wx8", page="p", cover=File(key="a/b.png")),
            {
                "msgtype": "template_card",
                "template_card": {
                    "card_type": "text_notice",
                    "main_title": {"title": "Room"},
                    "card_action": {"type": 2, "appid": "wx8", "pagepath": "p"},
                },
            },
        ),
        (
            MiniProgramContent(
                title="Room", app_id="wx8", page="p", cover=File(link="https://a.b/c.png")
            ),
            {
                "msgtype": "template_card",
                "template_card": {
                    "card_type": "news_notice",
                    "main_title": {"title": "Room"},
                    "card_action": {"type": 2, "appid": "wx8", "pagepath": "p"},
                    "card_image": {"url": "https://a.b/c.png"},
                },
            },
        ),
    ],
)
def test_a_robot_says_what_it_can(content: Content, said: dict[str, Any]) -> None:
    message = a_message(sender_id=SenderId(ROBOTS), recipient="robot:ops", content=content)

    assert body_of(message) == said


def test_a_robots_picture_stands_in_the_call_with_its_digest() -> None:
    message = a_message(
        sender_id=SenderId(ROBOTS), recipient="robot:ops", content=ImageContent(key="a/b.png")
    )
    picture = b64encode(b"a picture").decode()

    body = body_of(message, {Wanted("picture", "a/b.png", None): picture})

    assert body == {
        "msgtype": "image",
        "image": {"base64": picture, "md5": "101a0e3e2f58188b3e2ffc1057316c13"},
    }


def test_a_group_send_to_customers_carries_text_and_attachments() -> None:
    body = body_of(
        a_group_send(
            targets=("woAJ2GCAAAXtWyujaWJHDDGi0mACAAAA", CUSTOMER, CUSTOMER),
            text="...",
            attachments=(
                ImageContent(id="MEDIA_ID"),
                PICTURED,
                PAGE,
                VideoContent(id="MEDIA_ID"),
                DocumentContent(id="MEDIA_ID"),
            ),
        )
    )

    assert body == {
        "chat_type": "single",
        "external_userid": ["woAJ2GCAAAXtWyujaWJHDDGi0mACAAAA", CUSTOMER],
        "sender": "zhangsan",
        "allow_select": False,
        "text": {"content": "..."},
        "attachments": [
            {"msgtype": "image", "image": {"media_id": "MEDIA_ID"}},
            {
                "msgtype": "link",
                "link": {
                    "title": "春季",
                    "url": "https://shop.example/s",
                    "picurl": "https://a.b/c.png",
                },
            },
            {
                "msgtype": "miniprogram",
                "miniprogram": {
                    "title": "订单",
                    "pic_media_id": "COVER",
                    "appid": "wx8bd80126147dfAAA",
                    "page": "/p/index.html",
                },
            },
            {"msgtype": "video", "video": {"media_id": "MEDIA_ID"}},
            {"msgtype": "file", "file": {"media_id": "MEDIA_ID"}},
        ],
    }


def test_a_link_of_a_group_send_calls_its_description_desc() -> None:
    body = body_of(a_group_send(attachments=(LINK,)))

    assert body["attachments"][0]["link"]["desc"] == "全场八折"


def test_a_group_send_to_groups_names_them_and_their_owner() -> None:
    body = body_of(a_group_send(target_kind="groups", targets=("wrOgQhDgAAMYQiS5",)))

    assert body == {
        "chat_type": "group",
        "chat_id_list": ["wrOgQhDgAAMYQiS5"],
        "sender": "zhangsan",
        "text": {"content": "春季特惠"},
    }


def test_files_of_ours_are_wanted_by_kind_key_and_name() -> None:
    media = Media()
    attachments = (
        ImageContent(key="a/b.png"),
        DocumentContent(key="a/b.pdf", file_name="价目表.pdf"),
    )

    DRAFTS.of(a_group_send(attachments=attachments)).body(media)

    assert media.wanted == [
        Wanted("image", "a/b.png", None),
        Wanted("file", "a/b.pdf", "价目表.pdf"),
    ]


def test_no_text_is_escaped() -> None:
    body = DRAFTS.of(a_message(content=TextContent(body="企业微信 \U0001f600"))).body(Media())

    assert "企业微信 \U0001f600".encode() in encoded(body)


def test_a_repeated_call_is_the_same_request_and_another_message_is_not() -> None:
    first, second = a_message(), a_message()

    assert body_of(first) == body_of(first)
    assert body_of(first) != body_of(second)
    for message in (first, second):
        assert 3_600 <= body_of(message)["duplicate_check_interval"] <= 14_400
