"""What a message that somebody wrote to us becomes (PC-06, PC-11, IN-01, WA 9)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Final

import msgspec

from domain.answers import Choice, choice_of
from providers.callbacks import MalformedCallback
from providers.whatsapp.callback_parts import (
    Object,
    Source,
    Time,
    assert_storable,
    errors_of,
    list_of,
    moment_of,
    object_of,
    read,
    text_of,
    word_of,
)
from providers.whatsapp.callback_people import People, people_of
from schemas.topics.provider_events import InboundMedia, MessageReceived
from schemas.topics.records import ProviderIdField

_HANDLED: Final = frozenset({"text", "image", "document", "audio", "video"})
"""Types without which their typed part makes no sense (PC-06). Others are kept as they come."""

_WITH_FILE: Final = frozenset({"image", "document", "audio", "video", "sticker"})

_READ_ELSEWHERE: Final = frozenset(
    {"id", "type", "timestamp", "from", "from_user_id", "from_parent_user_id"}
    | {"group_id", "context", "referral", "errors"}
)
"""Members that are no content."""

_ANSWERS: Final = {
    "text": ("body",),
    "button": ("text", "payload"),
    "button_reply": ("title", "id"),
    "list_reply": ("title", "id"),
}
"""Where words or a button decide something (PC-11): what people saw, then what we named it."""

_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
_Kind = Annotated[str, msgspec.Meta(min_length=1, max_length=50)]


class _Message(msgspec.Struct, gc=False):
    id: ProviderIdField
    type: _Kind
    timestamp: Time
    author: _Id | None = msgspec.field(default=None, name="from")
    from_user_id: _Id | None = None


def authors_of(value: Mapping[str, Any]) -> People:
    """Return the contacts of a change.

    An only one beside an only message is its author whatever their ids say: a ``wa_id`` may differ
    from the number (WA 0, fact 8).
    """
    people = people_of(value)
    is_only = len(list_of(value.get("messages"))) == 1
    return people if is_only else replace(people, alone={})


def message(part: Object, source: Source, sender_id: str, people: People) -> MessageReceived:
    """Return one of ``messages[]``; raises `MalformedCallback` with a field of the part."""
    told = read(part, _Message)
    contact = people.of(told.author, told.from_user_id) or people.alone
    typed = object_of(part.get(told.type))
    content = _content(part, told.type)
    context, referral = _object_or_none(part, "context"), _object_or_none(part, "referral")
    assert_storable([content, context, referral], told.type)
    return MessageReceived(
        channel="whatsapp",
        provider_message_id=told.id,
        sender_id=sender_id,
        author=_author(told, contact, typed),
        message_type=told.type,
        content=content,
        occurred_at=moment_of(told.timestamp),
        account_id=source.account_id,
        author_user_id=told.from_user_id or text_of(contact.get("user_id")),
        author_name=text_of(object_of(contact.get("profile")).get("name")),
        group_id=text_of(part.get("group_id")),
        context=context,
        referral=referral,
        errors=errors_of(part.get("errors")),
        media=_media(typed) if told.type in _WITH_FILE else None,
        choice=_choice(told.type, typed),
    )


def _author(told: _Message, contact: Mapping[str, Any], typed: Mapping[str, Any]) -> str:
    """Return the phone number, or of who hides it, the business-scoped user id (WA 0, fact 9).

    A ``system`` message about such a person may name nobody but in its typed part.
    """
    holders = (contact, typed) if told.type == "system" else (contact,)
    named = (text_of(holder.get(name)) for holder in holders for name in ("wa_id", "user_id"))
    known = (told.author, told.from_user_id, *named)
    author = next((who for who in known if who is not None), None)
    if author is None:
        raise MalformedCallback("from", "missing, and from_user_id too")
    return author


def _content(part: Mapping[str, Any], kind: str) -> Object:
    """Return the typed part as received; of a type that has none, whatever else it brings."""
    if isinstance(part.get(kind), dict):
        typed = object_of(part[kind])
        # A changed identity is told beside the typed part, and is what the message is about.
        beside = {"identity": part["identity"]} if kind == "system" and "identity" in part else {}
        return {**typed, **beside}
    if kind in _HANDLED:
        raise MalformedCallback(kind, "missing or no object")
    return {name: value for name, value in part.items() if name not in _READ_ELSEWHERE}


def _object_or_none(part: Mapping[str, Any], name: str) -> Object | None:
    return object_of(part.get(name)) or None


def _media(file: Mapping[str, Any]) -> InboundMedia | None:
    media_id = text_of(file.get("id"))
    if media_id is None:
        return None
    return InboundMedia(
        id=media_id,
        mime_type=word_of(file.get("mime_type")),
        sha256=word_of(file.get("sha256")),
        file_name=text_of(file.get("filename")),
    )


def _choice(kind: str, typed: Mapping[str, Any]) -> Choice | None:
    if kind == "interactive":
        kind = str(typed.get("type"))
        typed = object_of(typed.get(kind))
    said = (typed.get(name) for name in _ANSWERS.get(kind, ()))
    choices = (choice_of(words) for words in said if isinstance(words, str))
    return next((choice for choice in choices if choice is not None), None)
