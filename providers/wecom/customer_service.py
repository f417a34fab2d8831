"""What customers said to WeCom's customer service, out of the pages of ``kf/sync_msg`` (WX 10).

A customer's words become a message, what the service itself tells an event's notice. What else is
said (by staff), or cannot be read, is a notice too, with every field as it came (IM-04).
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, cast

import msgspec

from domain.answers import choice_of
from domain.identity import notice_id
from providers.json_bodies import decode
from providers.tencent import parts
from providers.wecom.api import WecomApi
from providers.wecom.api_settings import WecomApp
from providers.wecom.tokens import CallFailed
from schemas.topics.provider_events import (
    CustomerServiceEvent,
    InboundMedia,
    MessageReceived,
    NoticeReceived,
)

NOTICE: Final = "kf_msg_or_event"
"""The notice that says: somebody wrote, come and read."""
_OPEN_KFID: Final = re.compile(r"[A-Za-z0-9_@-]{1,64}")
TOKEN_LIVES: Final = timedelta(minutes=9)
"""WeCom says ten; a call takes a moment, and clocks differ."""
_PAGE: Final = 1_000
_CUSTOMER: Final = 3
_MEDIA: Final = frozenset({"image", "voice", "video", "file"})

_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=255, pattern=r"^[^\x00]*$")]


@dataclass(frozen=True, slots=True)
class Told:
    """What a notice says."""

    open_kfid: str
    token: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Page:
    """A part of what was said."""

    events: tuple[CustomerServiceEvent, ...]
    next_cursor: str
    has_more: bool


class _Page(msgspec.Struct):
    next_cursor: str = ""
    has_more: int = 0
    msg_list: list[dict[str, Any]] = []


class _Said(msgspec.Struct):
    """A message as far as it must be right."""

    msgid: _Id
    external_userid: _Id
    send_time: Annotated[int, msgspec.Meta(ge=0, lt=2**33)]
    msgtype: Annotated[str, msgspec.Meta(min_length=1, max_length=50)]
    origin: int


def notice_of(event: NoticeReceived) -> Told | None:
    """Return which account a notice points at; None where it names none."""
    open_kfid = parts.text_of(event.content, "OpenKfId")
    if open_kfid is None or not _OPEN_KFID.fullmatch(open_kfid):
        return None
    return Told(open_kfid, parts.text_of(event.content, "Token"))


async def read_page(
    api: WecomApi, app: WecomApp, open_kfid: str, *, cursor: str, token: str | None
) -> Page:
    """Ask for what was said since the cursor. Raises `CallFailed`.

    Without the token of a notice the call is strictly rate limited.
    """
    asked: dict[str, object] = {"open_kfid": open_kfid, "limit": _PAGE, "voice_format": 0}
    if cursor:
        asked["cursor"] = cursor
    if token is not None:
        asked["token"] = token
    return page_of(app.corp_id, open_kfid, await api.post(app, "kf/sync_msg", asked))


def page_of(corp_id: str, open_kfid: str, answer: bytes) -> Page:
    """Return what an answer says; the same message gives the same event. Raises `CallFailed`."""
    try:
        page = msgspec.convert(decode(answer), _Page, strict=False)
    except ValueError:
        raise CallFailed("page unreadable") from None
    events = tuple(event_of(corp_id, open_kfid, item) for item in page.msg_list)
    return Page(events, page.next_cursor, page.has_more == 1)


def event_of(corp_id: str, open_kfid: str, item: dict[str, Any]) -> CustomerServiceEvent:
    """Return what one item of a page says."""
    try:
        said = msgspec.convert(item, _Said)
    except msgspec.ValidationError:
        return _notice(corp_id, open_kfid, item)
    if said.origin != _CUSTOMER:
        return _notice(corp_id, open_kfid, item)
    return _message(corp_id, open_kfid, said, _part(item, said.msgtype))


def _message(corp_id: str, open_kfid: str, said: _Said, content: dict[str, Any]) -> MessageReceived:
    entry = parts.text_of(content, "menu_id", parts.LONGEST_ABOUT)
    words = parts.text_of(content, "content")
    choices = (choice_of(each) for each in (entry, words) if each is not None)
    media_id = parts.text_of(content, "media_id") if said.msgtype in _MEDIA else None
    if "content" in content:  # called as on every channel
        content = {"body": content["content"], **content}
        del content["content"]
    return MessageReceived(
        channel="wecom",
        provider_message_id=said.msgid,
        sender_id=open_kfid,
        author=said.external_userid,
        message_type=said.msgtype,
        content=content,
        occurred_at=datetime.fromtimestamp(said.send_time, UTC),
        account_id=corp_id,
        media=None if media_id is None else InboundMedia(id=media_id),
        choice=next(filter(None, choices), None),
        about=entry,
    )


def _notice(corp_id: str, open_kfid: str, item: dict[str, Any]) -> NoticeReceived:
    event = parts.text_of(_part(item, "event"), "event_type", 90)
    is_event = item.get("msgtype") == parts.EVENT and event is not None
    kind = f"kf.{event}" if is_event else "kf.message"
    # In one order: the same statement has the same bytes.
    said = msgspec.json.encode(item, order="sorted")
    return NoticeReceived(
        channel="wecom",
        notice_id=notice_id("wecom", corp_id, kind, said),
        kind=kind,
        account_id=corp_id,
        about=open_kfid,
        content=item,
        occurred_at=_moment(item.get("send_time")),
    )


def _moment(seconds: object) -> datetime | None:
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 0 <= seconds < 2**33:
        return None
    return datetime.fromtimestamp(seconds, UTC)


def _part(item: dict[str, Any], name: str) -> dict[str, Any]:
    part = item.get(name)
    return cast("dict[str, Any]", part) if isinstance(part, dict) else {}
