"""What a group send says, in the forms of WC-04 and CF-19 where it is of one of them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

Content = Mapping[str, Any]

_ABOUT_ITSELF: Final = frozenset({"type", "customerIds", "targetKind", "member", "maySelect"})
"""Whom it is for, and not what it says."""


def content_shown(content: Content) -> dict[str, Any]:
    """Return it in a form of WC-04; a text with attachments, or several, under our own names.

    >>> content_shown({"type": "group_send", "text": "Hi", "attachments": []})
    {'type': 'TEXT', 'data': {'text': 'Hi'}}
    """
    text: str | None = content.get("text")
    attachments: Sequence[Content] = content.get("attachments") or ()
    if text and not attachments:
        return {"type": "TEXT", "data": {"text": text}}
    if not text and len(attachments) == 1 and (form := _form(attachments[0])) is not None:
        return form
    return {name: value for name, value in content.items() if name not in _ABOUT_ITSELF}


def _form(attachment: Content) -> dict[str, Any] | None:
    match attachment["type"]:
        case "link":
            data = {
                "title": attachment["title"],
                "pic_url": attachment.get("pictureUrl"),
                "desc": attachment.get("description"),
                "url": attachment["url"],
            }
            return {"type": "LINK", "data": data}
        case "miniprogram":
            data = {
                "appid": attachment["appId"],
                "page": attachment["page"],
                "title": attachment["title"],
                "pic_media_id": _file(attachment["cover"]),
            }
            return {"type": "MINIPROGRAM", "data": data}
        case "image":
            return {"type": "IMAGE", "data": {"media_id": _file(attachment)}}
        case "document":
            return {"type": "FILE", "data": {"media_id": _file(attachment)}}
        case _:
            return None


def _file(file: Content) -> str | None:
    named: list[str | None] = [file.get(name) for name in ("id", "key", "link")]
    return next((one for one in named if one), None)
