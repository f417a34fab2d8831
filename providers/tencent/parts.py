"""How the fields of a WeCom or WeChat callback become an event (WX 9, WX 14.4).

The two write their callbacks alike. What identifies a message is read strictly; what cannot be read
as a message or a status is a notice, which keeps every field as it came.
"""

from datetime import UTC, datetime
from typing import Any, Final, Literal

import msgspec

from domain.answers import Choice
from domain.identity import notice_id
from providers.callbacks import MalformedCallback
from providers.tencent.apps import App
from providers.tencent.bodies import Fields
from schemas.topics.provider_events import InboundMedia, MessageReceived, NoticeReceived

Channel = Literal["wecom", "wechat"]

EVENT: Final = "event"
"""The ``MsgType`` of whatever is no message."""

LONGEST_ID: Final = 255
LONGEST_ABOUT: Final = 128
"""Characters of a card's ``TaskId``, a menu entry's id."""
_LONGEST_WORD: Final = 100
_LONGEST_TYPE: Final = 50

_ENVELOPE: Final = frozenset(
    {"ToUserName", "FromUserName", "CreateTime", "MsgType", "MsgId", "AgentID"}
)
"""Fields that each message has; the others are its content."""


def text_of(fields: Fields, name: str, longest: int = LONGEST_ID) -> str | None:
    """Return a field's text; None where it is missing, empty, longer, or no text at all.

    XML has texts only; JSON writes some of the same fields as numbers.
    """
    value = fields.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return value if isinstance(value, str) and 0 < len(value) <= longest else None


def required(fields: Fields, name: str, longest: int = LONGEST_ID) -> str:
    """Return a field's text; raise `MalformedCallback` where there is none."""
    text = text_of(fields, name, longest)
    if text is None:
        raise MalformedCallback(name, f"must be a text of 1 to {longest} characters")
    return text


def kind_of(fields: Fields) -> str:
    """Return the ``MsgType``; raise `MalformedCallback` where there is none."""
    return required(fields, "MsgType", _LONGEST_TYPE)


def moment_of(fields: Fields) -> datetime | None:
    """Return the ``CreateTime``; None where it is no time in Unix seconds."""
    seconds = text_of(fields, "CreateTime", longest=12)
    if seconds is None or not (seconds.isascii() and seconds.isdecimal()):
        return None
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def required_moment(fields: Fields) -> datetime:
    """Return the ``CreateTime``; raise `MalformedCallback` where there is none."""
    moment = moment_of(fields)
    if moment is None:
        raise MalformedCallback("CreateTime", "must be Unix seconds")
    return moment


def message(
    channel: Channel,
    app: App,
    fields: Fields,
    *,
    sender_id: str,
    choice: Choice | None,
    about: str | None = None,
) -> MessageReceived:
    """Return what somebody wrote; raise `MalformedCallback` with the wrong field's name.

    A provider's ``MsgId`` is unique within a company or app, so ours begins with that.
    """
    kind = kind_of(fields)
    return MessageReceived(
        channel=channel,
        provider_message_id=f"{app.account_id}:{required(fields, 'MsgId', 64)}",
        sender_id=sender_id,
        author=required(fields, "FromUserName"),
        message_type=kind,
        content=_content(fields),
        occurred_at=required_moment(fields),
        account_id=app.account_id,
        media=_media(fields, kind),
        choice=choice,
        about=about,
    )


def notice(
    channel: Channel, app: App, fields: Fields, *, kind: str, about: str | None
) -> NoticeReceived:
    """Return anything else, with all its fields.

    Events have no id of their own. Who, what and when are among the fields, and the provider's
    repetition has the same ones.
    """
    # In one order: the same statement has the same bytes.
    said = msgspec.json.encode(fields, order="sorted")
    word = kind[:_LONGEST_WORD]
    return NoticeReceived(
        channel=channel,
        notice_id=notice_id(channel, app.account_id, word, said),
        kind=word,
        account_id=app.account_id,
        about=about,
        content=fields,
        occurred_at=moment_of(fields),
    )


def event_kind(fields: Fields) -> str:
    """Return what an event is called: ``change_external_contact.del_follow_user``."""
    words = (text_of(fields, name) for name in ("Event", "ChangeType"))
    return ".".join(word for word in words if word) or EVENT


def _content(fields: Fields) -> dict[str, Any]:
    """Return a message's own fields; the words of a text are called as on every channel."""
    own = {name: value for name, value in fields.items() if name not in _ENVELOPE}
    if "Content" in own:
        own = {"body": own.pop("Content"), **own}
    return own


def _media(fields: Fields, kind: str) -> InboundMedia | None:
    media_id = text_of(fields, "MediaId")
    if media_id is None:
        return None
    voice = text_of(fields, "Format", longest=20) if kind == "voice" else None
    return InboundMedia(id=media_id, mime_type=None if voice is None else f"audio/{voice}")
