"""How what a push says becomes one message: the one path of previews and of pushes (PV-14).

A group gets one message a push (CF-12), so parts that come together become one:

    text                    a text
    image                   a picture
    link                    a text with the address on a line of its own, which people tap
    text and link           the same, below the text
    image and text or link  a card that opens the link: the text's first line is its title, the
                            rest stands below it; the picture is shown where it has an address
    mini-program            its card: the text is its title, the image its cover
"""

from typing import Final

from domain.tasks import MiniProgram, PushContent
from schemas.http.media import key_of
from schemas.topics.contents import (
    Content,
    ImageContent,
    LinkContent,
    MiniProgramContent,
    TextContent,
)
from schemas.topics.files import File

_LONGEST_TEXT: Final = 2_048
"""Bytes that a group chat takes (WX 6)."""
_LONGEST_TITLE: Final = 64
_LONGEST_CARD_TITLE: Final = 128
_LONGEST_DESCRIPTION: Final = 512


class CannotRender(ValueError):
    """The parts make no message; the argument is a plain reason, shown to people."""


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
        file = _file(content.image)
        return ImageContent(id=file.id, link=file.link, key=file.key)
    return _article(content.image, content, form)


def _text(*lines: str | None) -> TextContent:
    body = "\n".join(line for line in lines if line)
    if not body.strip():
        raise CannotRender("there is nothing to send")
    if len(body.encode()) > _LONGEST_TEXT:
        raise CannotRender("text and link are too long together for one message")
    return TextContent(body=body, preview_url=True)


def _article(image: str, content: PushContent, form: str | None) -> LinkContent:
    if not _is_address(image):
        raise CannotRender("a picture that comes with words needs a public address")
    title, _, rest = (content.text or content.link or image).partition("\n")
    description = "\n".join(filter(None, (rest.strip(), form)))
    _within(_LONGEST_CARD_TITLE, title, "the first line of the text")
    _within(_LONGEST_DESCRIPTION, description, "the text below its first line")
    return LinkContent(
        title=title,
        url=content.link or image,
        description=description or None,
        picture_url=image,
    )


def _card(card: MiniProgram, content: PushContent, form: str | None) -> MiniProgramContent:
    if content.link is not None or form is not None:
        raise CannotRender("a mini-program card has no place for a link")
    if content.image is None:
        raise CannotRender("a mini-program card needs an image as its cover")
    if not content.text:
        raise CannotRender("a mini-program card needs a text as its title")
    _within(_LONGEST_TITLE, content.text, "the text, the title of a mini-program card,")
    return MiniProgramContent(
        title=content.text,
        app_id=card.appid,
        page=card.page_path,
        cover=_file(content.image),
    )


def _file(image: str) -> File:
    return File(link=image) if _is_address(image) else File(key=key_of(image))


def _is_address(image: str) -> bool:
    return image.startswith(("http://", "https://"))


def _within(most: int, text: str, what: str) -> None:
    if len(text.encode()) > most:
        raise CannotRender(f"{what} has more than {most} bytes")
