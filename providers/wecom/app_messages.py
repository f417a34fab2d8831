"""The body of a message from an app to members, or to a group chat it created (WX 5, WX 6)."""

from hashlib import blake2b
from html import escape
from typing import Final

from domain.identity import MessageId
from providers.contract import Message
from providers.wecom.carrying import Body, CannotCarry, Media, within
from providers.wecom.recipients import Chat, Members
from schemas.topics.contents import (
    ArticleContent,
    AudioContent,
    CardContent,
    Content,
    DocumentContent,
    ImageContent,
    LinkContent,
    MarkdownContent,
    MiniProgramContent,
    TextContent,
    VideoContent,
    type_of,
)

_LONGEST_TEXT: Final = 2_048
"""Bytes; WeCom cuts what is longer."""
_LONGEST_URL: Final = 2_048
_LONGEST_TITLE: Final = 128
_LONGEST_DESCRIPTION: Final = 512

_SHORTEST_CHECK: Final = 3_600
_LONGEST_CHECK: Final = 14_400
"""Seconds; WeCom takes no more."""


def to_members(message: Message, members: Members, agent_id: int, media: Media) -> Body:
    """Return the body of ``message/send``. Raises `CannotCarry`."""
    match message.content:
        case CardContent() as card:
            said = _card(card, message.message_id)
        case MiniProgramContent() as page:
            said = _page(page)
        case content:
            said = _said(content, media)
    return {
        "touser": "|".join(members.ids),
        "agentid": agent_id,
        **said,
        "enable_duplicate_check": 1,
        "duplicate_check_interval": _check_interval(message.message_id),
    }


def to_chat(message: Message, chat: Chat, media: Media) -> Body:
    """Return the body of ``appchat/send``. Raises `CannotCarry`."""
    return {"chatid": chat.id, **_said(message.content, media)}


def link_of(link: LinkContent, *, where: str = "content", about: str = "description") -> Body:
    """Return a page with its picture. ``about``: how the call names the description.

    Raises `CannotCarry`.
    """
    told: Body = {
        "title": within(_LONGEST_TITLE, f"{where}.title", link.title),
        "url": within(_LONGEST_URL, f"{where}.url", link.url),
    }
    if link.description is not None:
        told[about] = within(_LONGEST_DESCRIPTION, f"{where}.description", link.description)
    if link.picture_url is not None:
        told["picurl"] = within(_LONGEST_URL, f"{where}.pictureUrl", link.picture_url)
    return told


def file_of(
    content: ImageContent | VideoContent | DocumentContent | AudioContent,
    media: Media,
    *,
    where: str = "content",
) -> tuple[str, str]:
    """Return what WeCom calls such a file, and its media id. Raises `CannotCarry`."""
    match content:
        case AudioContent():
            return "voice", media.id_of("voice", content)
        case ImageContent():
            kind, name = "image", None
        case VideoContent():
            kind, name = "video", None
        case DocumentContent():
            kind, name = "file", content.file_name
    without_caption(content, where)
    return kind, media.id_of(kind, content, name)


def without_caption(
    content: ImageContent | DocumentContent | VideoContent, where: str = "content"
) -> None:
    """Raise `CannotCarry` where words come with a file: WeCom has no place for them."""
    if content.caption is not None:
        raise CannotCarry(f"`{where}.caption`: WeCom sends files without words")


def _check_interval(message_id: MessageId) -> int:
    """Return for how long WeCom is to leave out a repetition of the same request (WX 5).

    A message in doubt that is called for again must not arrive twice, so the check is on. It
    compares whole requests, and two messages may well have the same words: the second would be
    left out without a sign. So the interval, which is part of the request, is drawn from the
    message id: a repetition is the same request, another message is not. An hour at least, which
    is longer than all attempts and their grace together.
    """
    digest = blake2b(message_id.encode(), digest_size=8).digest()
    spread = _LONGEST_CHECK - _SHORTEST_CHECK + 1
    return _SHORTEST_CHECK + int.from_bytes(digest) % spread


def _said(content: Content, media: Media) -> Body:
    match content:
        case TextContent(body=text):
            return _typed("text", {"content": within(_LONGEST_TEXT, "content.body", text)})
        case MarkdownContent(body=text):
            return _typed("markdown", {"content": within(_LONGEST_TEXT, "content.body", text)})
        case ImageContent() | VideoContent() | DocumentContent() | AudioContent():
            kind, media_id = file_of(content, media)
            return _typed(kind, {"media_id": media_id})
        case LinkContent():
            return _link(content)
        case ArticleContent():
            return _typed("mpnews", {"articles": [_article(content, media)]})
        case _:
            raise CannotCarry(f"WeCom has no message of type {type_of(content)} for these")


def _link(link: LinkContent) -> Body:
    """Return a card, or an article where there is a picture, which a card cannot show."""
    if link.picture_url is not None or link.description is None:
        return _typed("news", {"articles": [link_of(link)]})
    url = within(_LONGEST_URL, "content.url", link.url)
    return _typed("textcard", {"title": link.title, "description": link.description, "url": url})


def _article(article: ArticleContent, media: Media) -> Body:
    """Return a page that WeCom keeps: its words are HTML, the first of them stand on the card."""
    told: Body = {
        "title": within(_LONGEST_TITLE, "content.title", article.title),
        "thumb_media_id": media.id_of("image", article.cover),
        "content": escape(article.body).replace("\n", "<br>"),
        "digest": article.body.encode()[:_LONGEST_DESCRIPTION].decode(errors="ignore"),
    }
    if article.url is not None:
        told["content_source_url"] = within(_LONGEST_URL, "content.url", article.url)
    return told


def _page(page: MiniProgramContent) -> Body:
    """Return a page of the app's own mini-program, as an article that opens it."""
    if page.cover.link is None:
        raise CannotCarry("`content.cover`: to members WeCom shows a public `link` only")
    told = {
        "title": within(_LONGEST_TITLE, "content.title", page.title),
        "appid": page.app_id,
        "pagepath": page.page,
        "picurl": within(_LONGEST_URL, "content.cover.link", page.cover.link),
    }
    return _typed("news", {"articles": [told]})


def _card(card: CardContent, message_id: MessageId) -> Body:
    task_id = card.task_id or message_id
    if "." in task_id or ":" in task_id:
        # Replaced by something else, it would not come back with the answer.
        raise CannotCarry("a card whose message id has a dot or a colon needs a `content.taskId`")
    title = {"title": card.title}
    if card.description is not None:
        title["desc"] = card.description
    buttons = [
        {"text": button.title, "style": 1 if place == 0 else 2, "key": button.key}
        for place, button in enumerate(card.buttons)
    ]
    return _typed(
        "template_card",
        {
            "card_type": "button_interaction",
            "main_title": title,
            "task_id": task_id,
            "button_list": buttons,
        },
    )


def _typed(kind: str, content: Body) -> Body:
    return {"msgtype": kind, kind: content}
