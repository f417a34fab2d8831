"""What is refused before WeCom is called, and in which words (WX 2, 5, 6, 11; WC-02, CF-19)."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.failures import ErrorCode, Failure, Origin
from domain.identity import MessageId, SenderId
from domain.recipients import InvalidRecipient
from providers.contract import Message
from providers.wecom.api_settings import ROBOTS, WecomApp
from providers.wecom.channel import LIMITS
from providers.wecom.drafts import Drafts
from providers.wecom.recipients import address_of
from schemas.topics.contents import (
    AudioContent,
    CardButton,
    CardContent,
    Content,
    ImageContent,
    InteractiveContent,
    LinkButton,
    LinkContent,
    LocationContent,
    MarkdownContent,
    MiniProgramContent,
    NotificationContent,
    ReactionContent,
    StickerContent,
    TextContent,
    VideoContent,
)
from schemas.topics.files import File
from schemas.topics.templates import TemplateContent
from tests.providers.wecom.sends import (
    APP,
    CORP,
    SENDER,
    a_group_send,
    a_message,
    settings_for,
)

TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc",)), min_size=1, max_size=4_000
)
LINK = "https://shop.example/"
BUTTONS = (CardButton(key="confirm", title="确认"),)
WITHOUT_CONTACT = WecomApp(corp_id=CORP, agent_id="7", secret=APP.secret)
WITHOUT_AGENT = WecomApp(corp_id=CORP, secret=APP.secret, customer_contact=True)

DRAFTS = Drafts(settings_for("http://nowhere", wecom_apps=(APP, WITHOUT_CONTACT, WITHOUT_AGENT)))


def problem(message: Message) -> Failure | None:
    return DRAFTS.problem(message)


def by_robot(content: Content, name: str = "ops") -> Message:
    return a_message(sender_id=SenderId(ROBOTS), recipient=f"robot:{name}", content=content)


def says(problem: Failure | None) -> str:
    assert problem is not None
    assert problem.origin is Origin.LOCAL
    return problem.detail or ""


MEASURED: list[tuple[int, Callable[[str], Message]]] = [
    (2_048, lambda text: a_message(content=TextContent(body=text))),
    (2_048, lambda text: a_message(content=MarkdownContent(body=text))),
    (2_048, lambda text: a_message(recipient="chat:c1", content=TextContent(body=text))),
    (2_048, lambda text: by_robot(TextContent(body=text))),
    (4_096, lambda text: by_robot(MarkdownContent(body=text))),
    (4_000, lambda text: a_group_send(text=text)),
]


@given(text=TEXTS)
@pytest.mark.parametrize(("most", "message"), MEASURED)
def test_a_text_may_have_so_many_bytes_and_not_one_more(
    most: int, message: Callable[[str], Message], text: str
) -> None:
    size = len(text.encode())

    found = problem(message(text))

    assert (found is None) == (size <= most)
    if found is not None:
        assert f"has {size} bytes; here WeCom takes {most}" in says(found)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (a_group_send(attachments=(LinkContent(title="题" * 43, url=LINK),)), "[0].title` has 129"),
        (
            a_group_send(
                text=None,
                attachments=(
                    ImageContent(id="M"),
                    LinkContent(title="t", url=LINK, description="述" * 171),
                ),
            ),
            "attachments[1].description` has 513",
        ),
        (
            a_group_send(
                attachments=(
                    MiniProgramContent(title="题" * 22, app_id="wx8", page="p", cover=File(id="M")),
                )
            ),
            "attachments[0].title` has 66 bytes; here WeCom takes 64",
        ),
        (
            a_message(content=LinkContent(title="题" * 43, url=LINK, picture_url=LINK)),
            "content.title` has 129",
        ),
        (
            a_message(content=LinkContent(title="t", url=LINK + "页" * 700, description="d")),
            "content.url` has 2121",
        ),
    ],
)
def test_parts_are_measured_in_bytes_too(message: Message, reason: str) -> None:
    assert reason in says(problem(message))


def test_a_card_takes_as_many_characters_as_its_content_can_have() -> None:
    link = LinkContent(title="题" * 128, url=LINK, description="述" * 512)

    assert problem(a_message(content=link)) is None


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (a_group_send(text=None), "needs `content.text` or `content.attachments`"),
        (a_group_send(target_kind="groups", member=None), "`content.member`"),
        (a_group_send(target_kind="groups", may_select=True), "`content.maySelect`"),
        (
            a_group_send(target_kind="groups", targets=tuple(map(str, range(2_001)))),
            "2000 groups at most",
        ),
        (
            a_group_send(attachments=(ImageContent(id="M", caption="hi"),)),
            "`content.attachments[0].caption`",
        ),
        (a_group_send(attachments=(ImageContent(link=LINK),)), "fetches no file"),
        (a_message(content=ImageContent(link=LINK)), "fetches no file"),
        (a_message(content=ImageContent(id="M", caption="hi")), "`content.caption`"),
        (a_message(content=ImageContent(key="a/b.webp")), "takes jpeg, jpg, png only"),
        (a_message(content=AudioContent(key="a/b.ogg")), "takes amr only"),
        (a_message(content=VideoContent(key="a/b.3gp")), "takes mp4 only"),
        (
            a_message(
                content=MiniProgramContent(title="t", app_id="wx", page="p", cover=File(id="M"))
            ),
            "`content.cover`",
        ),
        (
            a_message(
                message_id=MessageId("order.17"), content=CardContent(title="t", buttons=BUTTONS)
            ),
            "`content.taskId`",
        ),
        (a_message(content=TextContent(body="a\x1bb")), "control character"),
        (by_robot(ImageContent(id="M")), "it needs a `key`"),
        (by_robot(ImageContent(key="a/b.png", caption="hi")), "`content.caption`"),
    ],
)
def test_what_a_call_cannot_carry_is_told(message: Message, reason: str) -> None:
    found = problem(message)

    assert reason in says(found)
    assert found is not None
    assert found.code is ErrorCode.UNKNOWN_ERROR


@pytest.mark.parametrize(
    "content",
    [
        StickerContent(id="M"),
        LocationContent(latitude=0, longitude=0),
        ReactionContent(provider_message_id="m", emoji=""),
        TemplateContent(name="t"),
        InteractiveContent(body="b", action=LinkButton(title="t", url=LINK)),
        NotificationContent(template_id="t", data={}),
    ],
)
@pytest.mark.parametrize("recipient", ["zhangsan", "chat:c1", "robot:ops"])
def test_contents_of_other_channels_are_refused_by_their_type(
    content: Content, recipient: str
) -> None:
    sender = SenderId(ROBOTS if recipient == "robot:ops" else SENDER)

    found = problem(a_message(sender_id=sender, recipient=recipient, content=content))

    assert "of type" in says(found)


@pytest.mark.parametrize("recipient", ["chat:c1", "robot:ops"])
def test_a_card_goes_to_members_only(recipient: str) -> None:
    card = CardContent(title="t", buttons=BUTTONS)
    sender = SenderId(ROBOTS if recipient == "robot:ops" else SENDER)

    assert "of type card" in says(
        problem(a_message(sender_id=sender, recipient=recipient, content=card))
    )
    assert problem(a_message(content=card)) is None


@pytest.mark.parametrize(
    ("message", "reason", "code"),
    [
        (
            a_message(sender_id=SenderId("ww0.1")),
            "`senderId` names no app of WECOM_APPS",
            ErrorCode.UNKNOWN_ERROR,
        ),
        (
            a_message(sender_id=SenderId(WITHOUT_AGENT.sender_id)),
            "needs its agentId",
            ErrorCode.UNKNOWN_ERROR,
        ),
        (
            a_message(
                sender_id=SenderId(WITHOUT_CONTACT.sender_id),
                recipient="spring",
                content=a_group_send().content,
            ),
            "customerContact",
            ErrorCode.UNKNOWN_ERROR,
        ),
        (
            a_message(recipient="robot:ops"),
            "`senderId` of what a robot says is `robots`",
            ErrorCode.UNKNOWN_ERROR,
        ),
        (
            by_robot(TextContent(body="hi"), "dev"),
            "WECOM_ROBOTS has no such robot",
            ErrorCode.INVALID_RECIPIENT,
        ),
        (a_message(recipient="张三"), "no such recipient", ErrorCode.INVALID_RECIPIENT),
        (a_message(recipient="@all"), "no such recipient", ErrorCode.INVALID_RECIPIENT),
    ],
)
def test_who_is_not_in_the_settings_is_told_plainly(
    message: Message, reason: str, code: ErrorCode
) -> None:
    found = problem(message)

    assert reason in says(found)
    assert found is not None
    assert found.code is code


def test_an_app_without_an_agent_may_still_create_group_sends() -> None:
    content = a_group_send().content

    message = a_message(sender_id=SenderId(CORP), recipient="spring", content=content)

    assert problem(message) is None


@pytest.mark.parametrize(
    ("recipient", "address"),
    [
        ("zhangsan", "zhangsan"),
        (" zhangsan | lisi|zhangsan ", "lisi|zhangsan"),
        ("chat:wrkSFfCgAA", "chat:wrkSFfCgAA"),
        ("robot:ops", "robot:ops"),
        ("春季 campaign", "春季 campaign"),
    ],
)
def test_a_recipient_has_one_spelling(recipient: str, address: str) -> None:
    assert address_of(recipient) == address
    assert address_of(address) == address


@pytest.mark.parametrize("recipient", ["", " ", "chat:", "chat:a b", "robot:", "robot:a/b", "\x00"])
def test_what_nobody_can_be_is_no_recipient(recipient: str) -> None:
    with pytest.raises(InvalidRecipient):
        address_of(recipient)


def test_no_minute_and_no_hour_sees_more_than_wecom_takes() -> None:
    rate = LIMITS.per_pair
    assert rate is not None

    for seconds, most in ((60, 20), (60, 30), (3_600, 1_000)):
        assert rate.burst + rate.per_second * seconds <= most
