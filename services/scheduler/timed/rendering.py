"""How what a push says becomes one message: the one path of previews and of pushes (PV-14).

A group gets one message a push (CF-12), so parts that come together become one:

    text                    a text
    image                   a picture
    link                    a text with the address on a line of its own, which people tap
    text and link           the same, below the text
    image and text or link  an article: the text's first line is its title, the image its cover,
                            all words stand below it, and it leads on to the link
    mini-program            its card: the text is its title, the image its cover
"""

from collections.abc import Iterator
from typing import Final

from domain.task_rules import is_url
from domain.tasks import MiniProgram, PushContent
from schemas.http.media import key_of
from schemas.topics.contents import (
    ArticleContent,
    Content,
    ImageContent,
    MiniProgramContent,
    TextContent,
)
from schemas.topics.files import File

_LONGEST_TEXT: Final = 2_048
"""Bytes that a group chat takes (WX 6)."""
_LONGEST_TITLE: Final = 64
_LONGEST_ARTICLE_TITLE: Final = 128


class CannotRender(ValueError):
    """The parts make no message; as text all plain reasons, shown to people."""

    def __init__(self, *problems: tuple[str, str]) -> None:
        """Keep each field that is in the way, by its name on the wire, and why."""
        super().__init__("; ".join(why for _, why in problems))
        self.problems = problems


def message_of(content: PushContent, *, form: str | None = None) -> Content:
    r"""Return the message. ``form``: where opinions are asked for (NF-04). Raises `CannotRender`.

    >>> message_of(PushContent(text="See you at 6", link="https://example.com/room")).body
    'See you at 6\nhttps://example.com/room'
    """
    if content.miniprogram is not None:
        return _card(content.miniprogram, content, form)
    if content.image is None:
        return _text(content.text, content.link, form)
    if content.text is None and content.link is None and form is None:
        return ImageContent(key=key_of(content.image))
    return _article(content.image, content, form)


def _text(*lines: str | None) -> TextContent:
    body = "\n".join(line for line in lines if line)
    if not body.strip():
        raise CannotRender(("content", "there is nothing to send"))
    if len(body.encode()) > _LONGEST_TEXT:
        problem = "text and links, that of the form included, are too long together for one message"
        raise CannotRender(("content.text", problem))
    return TextContent(body=body, preview_url=True)


def _article(image: str, content: PushContent, form: str | None) -> ArticleContent:
    words = _text(content.text, content.link, form).body
    # Nothing is lost where the title is cut: the words stand below it.
    title = words.strip().partition("\n")[0].encode()[:_LONGEST_ARTICLE_TITLE]
    return ArticleContent(
        title=title.decode(errors="ignore"),
        body=words,
        cover=File(key=key_of(image)),
        # A link to a mini-program stands in the words only: an article leads on to the web.
        url=content.link if content.link is not None and is_url(content.link) else None,
    )


def _card(card: MiniProgram, content: PushContent, form: str | None) -> MiniProgramContent:
    found = list(_card_problems(content, form))
    if found or content.text is None or content.image is None:
        raise CannotRender(*found)
    return MiniProgramContent(
        title=content.text,
        app_id=card.appid,
        page=card.page_path,
        cover=File(key=key_of(content.image)),
    )


def _card_problems(content: PushContent, form: str | None) -> Iterator[tuple[str, str]]:
    if content.link is not None or form is not None:
        yield "content.link", "a mini-program card has no place for a link"
    if content.image is None:
        yield "content.image", "a mini-program card needs an image as its cover"
    if not content.text:
        yield "content.text", "a mini-program card needs a text as its title"
    elif len(content.text.encode()) > _LONGEST_TITLE:
        what = "the text, the title of a mini-program card,"
        yield "content.text", f"{what} has more than {_LONGEST_TITLE} bytes"
