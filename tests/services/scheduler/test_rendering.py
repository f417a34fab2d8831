"""What a push says becomes one message, the same for previews and pushes (PV-14, CF-12)."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from domain.tasks import MiniProgram, PushContent
from runtime.signed_links import ForgedLink, opened
from schemas.http.feedback import FeedbackLink
from schemas.topics.contents import (
    ArticleContent,
    Content,
    ImageContent,
    MiniProgramContent,
    TextContent,
)
from schemas.topics.files import File
from services.scheduler.timed.forms import Forms, form_like
from services.scheduler.timed.rendering import CannotRender, message_of

KEY = b"k" * 32
LINK = "https://example.com/room"
CARD = MiniProgram("wx1", "pages/room")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (PushContent(text="Hi"), TextContent(body="Hi", preview_url=True)),
        (PushContent(link=LINK), TextContent(body=LINK, preview_url=True)),
        (PushContent(text="Hi", link=LINK), TextContent(body=f"Hi\n{LINK}", preview_url=True)),
        (PushContent(image="ab12.png"), ImageContent(key="ab12.png")),
        (
            PushContent(text="Hi\nSee you", image="ab12.png", link=LINK),
            ArticleContent(
                title="Hi", body=f"Hi\nSee you\n{LINK}", cover=File(key="ab12.png"), url=LINK
            ),
        ),
        (
            PushContent(text="Hi", image="ab12.png", link="#小程序://课程/aB3"),
            ArticleContent(title="Hi", body="Hi\n#小程序://课程/aB3", cover=File(key="ab12.png")),
        ),
        (
            PushContent(text="Room", image="ab12.png", miniprogram=CARD),
            MiniProgramContent(
                title="Room", app_id="wx1", page="pages/room", cover=File(key="ab12.png")
            ),
        ),
    ],
)
def test_parts_that_come_together_become_one_message(
    content: PushContent, expected: Content
) -> None:
    assert message_of(content) == expected


def test_five_hundred_chinese_characters_and_a_long_link_are_one_text() -> None:
    message = message_of(PushContent(text="课" * 500, link=LINK + "x" * 230))

    assert isinstance(message, TextContent)


def test_a_long_first_line_is_cut_in_the_title_of_an_article_only() -> None:
    message = message_of(PushContent(text="课" * 500, image="ab12.png"))

    assert isinstance(message, ArticleContent)
    assert (message.title, message.body) == ("课" * 42, "课" * 500)


def test_a_form_for_opinions_stands_below_all_else() -> None:
    message = message_of(PushContent(text="Hi", link=LINK), form="https://example.com/form")

    assert message == TextContent(body=f"Hi\n{LINK}\nhttps://example.com/form", preview_url=True)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (PushContent(), "nothing to send"),
        (PushContent(text="😀" * 500, link=LINK + "x" * 230), "too long together"),
        (PushContent(text="Room", miniprogram=CARD), "cover"),
        (PushContent(image="ab12.png", miniprogram=CARD), "title"),
        (PushContent(text="Room", link=LINK, image="a.png", miniprogram=CARD), "no place"),
        (PushContent(text="课" * 50, image="a.png", miniprogram=CARD), "64 bytes"),
    ],
)
def test_what_makes_no_message_says_why(content: PushContent, problem: str) -> None:
    with pytest.raises(CannotRender, match=problem):
        message_of(content)


def test_a_link_to_no_push_is_as_long_as_that_of_any_push_and_opens_nothing() -> None:
    forms = Forms("https://in.example.com", KEY, timedelta(days=30))
    name, tenant = "周一课程提醒", "acme"

    like = form_like(forms, PushContent(text="Hi"), name, tenant)

    push, task = str(uuid4()), str(uuid4())
    assert like is not None
    assert len(like) == len(forms.link(push, task, name, tenant, began=datetime.now(UTC)))
    with pytest.raises(ForgedLink):
        opened(like.partition("token=")[2], FeedbackLink, keys=[KEY], now=datetime.now(UTC))
    assert form_like(None, PushContent(text="Hi"), name, tenant) is None
    assert form_like(forms, PushContent(text="Hi", miniprogram=CARD), name, tenant) is None
