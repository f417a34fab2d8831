"""The body of what a robot says in its group (WX 11)."""

from base64 import b64decode
from hashlib import md5
from typing import Final

from providers.wecom.app_messages import file_of, link_of, without_caption
from providers.wecom.carrying import PICTURE, Body, CannotCarry, Media, within
from schemas.topics.contents import (
    AudioContent,
    Content,
    DocumentContent,
    ImageContent,
    LinkContent,
    MarkdownContent,
    MiniProgramContent,
    TextContent,
    type_of,
)

LARGEST_PICTURE: Final = 2 * 1_024 * 1_024
"""Bytes, before Base64."""
_LONGEST_TEXT: Final = 2_048
_LONGEST_MARKDOWN: Final = 4_096
_LONGEST_URL: Final = 2_048
_OPENS_PAGE: Final = 2
"""Of what happens on a tap: a mini-program's page; 1 would be an address on the web."""


def to_group(content: Content, media: Media) -> Body:
    """Return the body of ``webhook/send``. Raises `CannotCarry`."""
    match content:
        case TextContent(body=text):
            said = {"content": within(_LONGEST_TEXT, "content.body", text)}
            return {"msgtype": "text", "text": said}
        case MarkdownContent(body=text):
            said = {"content": within(_LONGEST_MARKDOWN, "content.body", text)}
            return {"msgtype": "markdown", "markdown": said}
        case ImageContent():
            without_caption(content)
            return {"msgtype": "image", "image": _picture(media.id_of(PICTURE, content))}
        case DocumentContent() | AudioContent():
            kind, media_id = file_of(content, media)
            return {"msgtype": kind, kind: {"media_id": media_id}}
        case LinkContent():
            return {"msgtype": "news", "news": {"articles": [link_of(content)]}}
        case MiniProgramContent():
            return {"msgtype": "template_card", "template_card": _page(content)}
        case _:
            raise CannotCarry(f"a robot says nothing of type {type_of(content)}")


def _page(page: MiniProgramContent) -> Body:
    """Return a card that opens a page of a mini-program; it shows a cover that is on the web."""
    card: Body = {
        "card_type": "text_notice",
        "main_title": {"title": page.title},
        "card_action": {"type": _OPENS_PAGE, "appid": page.app_id, "pagepath": page.page},
    }
    if page.cover.link is not None:
        url = within(_LONGEST_URL, "content.cover.link", page.cover.link)
        card |= {"card_type": "news_notice", "card_image": {"url": url}}
    return card


def _picture(base64: str) -> Body:
    # WeCom's check against damage, no secret.
    digest = md5(b64decode(base64), usedforsecurity=False).hexdigest()
    return {"base64": base64, "md5": digest}
