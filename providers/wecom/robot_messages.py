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
    TextContent,
    type_of,
)

LARGEST_PICTURE: Final = 2 * 1_024 * 1_024
"""Bytes, before Base64."""
_LONGEST_TEXT: Final = 2_048
_LONGEST_MARKDOWN: Final = 4_096


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
        case _:
            raise CannotCarry(f"a robot says nothing of type {type_of(content)}")


def _picture(base64: str) -> Body:
    # WeCom's check against damage, no secret.
    digest = md5(b64decode(base64), usedforsecurity=False).hexdigest()
    return {"base64": base64, "md5": digest}
