"""The body of a send call (WA-03…WA-11, CF-14; fact sheet 2.1, 2.2). Pure.

A file that is named by its key in our store has no form here: `with_media_id` puts the provider's
id in its place first.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import msgspec

from providers.contract import Message
from providers.whatsapp.parts import Json, where, without_none
from providers.whatsapp.template_payloads import template_part
from schemas.topics.contents import (
    AudioContent,
    Choices,
    ContactCard,
    ContactsContent,
    Content,
    DocumentContent,
    ImageContent,
    InteractiveContent,
    LinkButton,
    LocationContent,
    ReactionContent,
    ReplyButtons,
    Section,
    StickerContent,
    TemplateContent,
    TextContent,
    VideoContent,
    type_of,
)
from schemas.topics.files import File

F = TypeVar("F", bound=File)

_USER_ID: Final = re.compile(r"[A-Z]{2}\.[A-Za-z0-9.]{1,125}")
_DEGREES: Final = 8
"""Digits after the point: a millimetre."""


class NotOurs(ValueError):
    """The content is one of another channel; the argument is its type."""


def is_user_id(recipient: str) -> bool:
    """Tell whether it is a business-scoped user id, which stands for a hidden number (WA 2.1).

    >>> is_user_id("US.13491208655302741918"), is_user_id("+16505551234")
    (True, False)
    """
    return _USER_ID.fullmatch(recipient) is not None


def build(message: Message) -> bytes:
    """Return the JSON body. Our message id rides along and comes back in every callback.

    Raises `NotOurs`, which `problem` has told before.
    """
    kind = type_of(message.content)
    body: Json = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "recipient" if is_user_id(message.recipient) else "to": message.recipient,
        "type": kind,
        kind: _part(message.content),
        "biz_opaque_callback_data": message.message_id,
    }
    # A reaction names its message itself and cannot quote another (WA 2.1).
    if message.reply_to is not None and kind != "reaction":
        body["context"] = {"message_id": message.reply_to}
    return msgspec.json.encode(body)


def file_of(content: Content) -> File | None:
    """Return the file that the content carries, in a template's header as well."""
    match content:
        case File():
            return content
        case TemplateContent(header=File() as header):
            return header
        case _:
            return None


def with_media_id(content: Content, media_id: str) -> Content:
    """Return the content with the provider's id in the place of its file's key."""
    match content:
        case File():
            return _placed(content, media_id)
        case TemplateContent(header=File() as header):
            return msgspec.structs.replace(content, header=_placed(header, media_id))
        case _:
            return content


def _placed(file: F, media_id: str) -> F:
    return msgspec.structs.replace(file, id=media_id, key=None)


def can_send(content: Content) -> bool:
    """Tell whether WhatsApp has such messages at all."""
    return type(content) in _PARTS


def _part(content: Content) -> object:
    try:
        part = _PARTS[type(content)]
    except KeyError as error:
        raise NotOurs(type_of(content)) from error
    return part(content)


def _text(content: TextContent) -> Json:
    return {"preview_url": content.preview_url, "body": content.body}


def _captioned(content: ImageContent | VideoContent) -> Json:
    return without_none({**where(content), "caption": content.caption})


def _document(content: DocumentContent) -> Json:
    shown = {"filename": content.file_name, "caption": content.caption}
    return without_none({**where(content), **shown})


def _audio(content: AudioContent) -> Json:
    return {**where(content), "voice": True} if content.voice else where(content)


def _location(content: LocationContent) -> Json:
    return without_none(
        {
            "latitude": _degrees(content.latitude),
            "longitude": _degrees(content.longitude),
            "name": content.name,
            "address": content.address,
        }
    )


def _reaction(content: ReactionContent) -> Json:
    return {"message_id": content.provider_message_id, "emoji": content.emoji}


def _degrees(number: float) -> str:
    # Texts, as in Meta's examples; never as 1e-05, and no zero has a sign.
    return f"{round(number, _DEGREES) + 0.0:.{_DEGREES}f}".rstrip("0").rstrip(".")


def _contacts(content: ContactsContent) -> list[Json]:
    return [_card(card) for card in content.contacts]


def _card(card: ContactCard) -> Json:
    body: Json = {
        "name": without_none(
            {
                "formatted_name": card.name.formatted_name,
                "first_name": card.name.first_name,
                "last_name": card.name.last_name,
            }
        )
    }
    if card.phones:
        body["phones"] = [
            without_none({"phone": one.phone, "type": one.type, "wa_id": one.wa_id})
            for one in card.phones
        ]
    if card.emails:
        body["emails"] = [
            without_none({"email": one.email, "type": one.type}) for one in card.emails
        ]
    if card.company is not None:
        body["org"] = {"company": card.company}
    return body


def _interactive(content: InteractiveContent) -> Json:
    kind, action = _action(content.action)
    body: Json = {"type": kind, "body": {"text": content.body}, "action": action}
    if content.header is not None:
        body["header"] = {"type": "text", "text": content.header}
    if content.footer is not None:
        body["footer"] = {"text": content.footer}
    return body


def _action(action: ReplyButtons | Choices | LinkButton) -> tuple[str, Json]:
    match action:
        case ReplyButtons(buttons=buttons):
            replies = [{"id": button.id, "title": button.title} for button in buttons]
            return "button", {"buttons": [{"type": "reply", "reply": reply} for reply in replies]}
        case Choices(button=button, sections=sections):
            shown = [_section(section) for section in sections]
            return "list", {"button": button, "sections": shown}
        case LinkButton(title=title, url=url):
            parameters = {"display_text": title, "url": url}
            return "cta_url", {"name": "cta_url", "parameters": parameters}


def _section(section: Section) -> Json:
    rows = [
        without_none({"id": row.id, "title": row.title, "description": row.description})
        for row in section.rows
    ]
    return without_none({"title": section.title, "rows": rows})


_PARTS: Final[Mapping[type[Any], Callable[[Any], object]]] = {
    TextContent: _text,
    ImageContent: _captioned,
    VideoContent: _captioned,
    DocumentContent: _document,
    AudioContent: _audio,
    StickerContent: where,
    LocationContent: _location,
    ContactsContent: _contacts,
    ReactionContent: _reaction,
    InteractiveContent: _interactive,
    TemplateContent: template_part,
}
"""What stands under the name of the content's type. What is not here, only other channels send."""
