"""The body of a send, and what WeChat does not carry (WX 14.2, 14.3). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, assert_never

import msgspec

from providers.contract import Message
from providers.wechat.entries import entry_id
from providers.wechat.values import WrongValue, fitted
from schemas.topics.contents import (
    CardContent,
    Content,
    ImageContent,
    LinkContent,
    MiniProgramContent,
    NotificationContent,
    TextContent,
    type_of,
)
from schemas.topics.files import File

NOTIFY: Final = "message/subscribe/send"
ANSWER: Final = "message/custom/send"

Carried = (
    NotificationContent
    | TextContent
    | LinkContent
    | CardContent
    | ImageContent
    | MiniProgramContent
)
_CARRIED: Final = (
    NotificationContent,
    TextContent,
    LinkContent,
    CardContent,
    ImageContent,
    MiniProgramContent,
)


@dataclass(frozen=True, slots=True)
class Draft:
    """A call that lacks the token."""

    name: str
    """What stands behind ``/cgi-bin/``."""
    body: bytes


class CannotCarry(ValueError):
    """WeChat does not carry the message; the text says why and names the field."""


def carried(content: Content) -> Carried:
    """Return the content. Raises `CannotCarry` where WeChat has nothing like it."""
    if not isinstance(content, _CARRIED):
        raise CannotCarry(f"content.type: WeChat carries no {type_of(content)}")
    file = file_of(content)
    if file is not None and file.link is not None:
        raise CannotCarry("content.link: WeChat fetches no files; give a `key` or an `id`")
    if isinstance(content, ImageContent) and content.caption is not None:
        raise CannotCarry("content.caption: WeChat shows none")
    return content


def file_of(content: Content) -> File | None:
    """Return the file that has to be at WeChat before."""
    match content:
        case ImageContent():
            return content
        case MiniProgramContent():
            return content.cover
        case _:
            return None


def draft_of(message: Message, state: str, media_id: str) -> Draft:
    """Return the call. Raises `CannotCarry`.

    ``state``: which edition of the mini-program a notification leads to; ``media_id``: WeChat's of
    the message's file, if it has one.
    """
    content = carried(message.content)
    if isinstance(content, NotificationContent):
        return Draft(NOTIFY, _encoded(message, _notification(content, state)))
    kind, held = _answer(message, content, media_id)
    return Draft(ANSWER, _encoded(message, {"msgtype": kind, kind: held}))


def _encoded(message: Message, body: Mapping[str, Any]) -> bytes:
    # This encoder writes no ``\uxxxx``, which Tencent's APIs refuse or show as they are (WX 0).
    return msgspec.json.encode({"touser": message.recipient, **body})


def _notification(content: NotificationContent, state: str) -> dict[str, Any]:
    try:
        values = fitted(content.data)
    except WrongValue as error:
        raise CannotCarry(f"content.{error}") from None
    page = {} if content.page is None else {"page": content.page}
    return {
        "template_id": content.template_id,
        **page,
        "miniprogram_state": state,
        "lang": content.language,
        "data": {key: {"value": value} for key, value in values.items()},
    }


def _answer(
    message: Message,
    content: TextContent | LinkContent | CardContent | ImageContent | MiniProgramContent,
    media_id: str,
) -> tuple[str, dict[str, Any]]:
    match content:
        case TextContent():
            return "text", {"content": content.body}
        case LinkContent():
            # The type for links differs between mini-programs and service accounts.
            return "text", {"content": _lines(content.title, content.description, content.url)}
        case CardContent():
            return "msgmenu", _menu(message, content)
        case ImageContent():
            return "image", {"media_id": media_id}
        case MiniProgramContent():
            return "miniprogrampage", {
                "title": content.title,
                "appid": content.app_id,
                "pagepath": content.page,
                "thumb_media_id": media_id,
            }
        case _:
            assert_never(content)


def _menu(message: Message, content: CardContent) -> dict[str, Any]:
    about = content.task_id or message.message_id
    entries = [
        {"id": entry_id(button.key, about), "content": button.title} for button in content.buttons
    ]
    return {
        "head_content": _lines(content.title, content.description),
        "list": entries,
        "tail_content": "",
    }


def _lines(*texts: str | None) -> str:
    return "\n".join(text for text in texts if text)
