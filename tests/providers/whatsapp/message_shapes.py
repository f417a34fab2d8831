"""Each shape of a message as Meta writes it, with what it becomes (fact sheet, chapter 9)."""

from typing import Any

from domain.answers import Choice
from schemas.topics.provider_events import InboundMedia, ProviderError
from tests.providers.whatsapp.bodies import DISPLAY_PHONE_NUMBER, Part
from tests.providers.whatsapp.shapes import A_FILE, AN_IMAGE, GROUP_ID, USER_ID, Shape

_UNSUPPORTED = {
    "code": 131051,
    "title": "Message type unknown",
    "message": "Message type unknown",
    "error_data": {"details": "Message type is currently not supported."},
}
_REPLY = {"from": DISPLAY_PHONE_NUMBER, "id": "wamid.HBgLMTQxMjU1NTA4MjkVAgASGBQzQUNCNjk5RDUwNUZG"}
_PDF = {"filename": "order.pdf", "mime_type": "application/pdf", **A_FILE}
_VOICE = {"mime_type": "audio/ogg; codecs=opus", **A_FILE, "voice": True}
_STICKER = {"mime_type": "image/webp", **A_FILE, "animated": False}
_REFERRAL = {
    "source_url": "https://fb.me/3cr4Wqqkv",
    "source_id": "120226305854810726",
    "source_type": "ad",
    "headline": "Chat with us",
    "body": "Summer succulents are here!",
    "media_type": "image",
    "image_url": "https://scontent.xx.fbcdn.net/v/t45.1",
    "ctwa_clid": "Aff-n8ZTODiE79d22KtAwQKj9e_mIEOOj27vDVwFjN80dp4_0NiNhEgpGo0AHemvuSoif",
    "welcome_message": {"text": "Hi there! Let us know how we can help!"},
}


def _media(mime_type: str, file_name: str | None = None) -> InboundMedia:
    return InboundMedia(
        id=A_FILE["id"], mime_type=mime_type, sha256=A_FILE["sha256"], file_name=file_name
    )


def _of(kind: str, typed: Any, /, **beside: Any) -> Part:  # noqa: ANN401 - any JSON
    """Return a message of a type without the text of the plain one."""
    return {"type": kind, "text": None, kind: typed, **beside}


_POSITION = {"latitude": 37.46, "longitude": -122.21, "name": "HQ", "address": "1 Hacker Way"}
_PERSON = {
    "name": {"formatted_name": "Barbara J. Johnson", "first_name": "Barbara"},
    "phones": [{"phone": "+1 555-555-5555", "wa_id": "15555555555", "type": "CELL"}],
}
_REACTION = {"message_id": "wamid.x", "emoji": "\N{THUMBS UP SIGN}"}
_ORDER = {
    "catalog_id": "354160437058781",
    "text": "",
    "product_items": [
        {"product_retailer_id": "HAM", "quantity": 3, "item_price": 30, "currency": "ILS"}
    ],
}
_LIST_REPLY = {"id": "priority_express", "title": "Priority", "description": "Next day"}
_FLOW = {"name": "flow", "body": "Sent", "response_json": '{"flow_token":"A","rating":"4"}'}
_NEW_NUMBER = {
    "body": "User A changed from 16505551234 to 12195555358",
    "wa_id": "12195555358",
    "type": "user_changed_number",
}
_NEW_USER_ID = {"body": "User changed", "user_id": USER_ID, "type": "user_changed_user_id"}
_NEW_IDENTITY = {"acknowledged": True, "created_timestamp": "1697044706", "hash": "xyzxyz"}
_CHANGED = {"body": "User identity changed", "type": "customer_identity_changed"}
_EDIT = {
    "original_message_id": "wamid.HBgLMTQxMjU1NTA4MjkVAgASGBQzQUNCNjk5RDUwNUZGMUZEM0VBRAA=",
    "message": {"context": {"id": "M0"}, "type": "image", "image": AN_IMAGE},
}
_REVOKE = {"original_message_id": _EDIT["original_message_id"]}


def _interactive(kind: str, reply: Part) -> Part:
    return _of("interactive", {"type": kind, kind: reply}, context=_REPLY)


MESSAGES: dict[str, Shape] = {
    "a text": Shape({}, {}),
    "an image": Shape(_of("image", AN_IMAGE), {"content": AN_IMAGE, "media": _media("image/jpeg")}),
    "a video, forwarded": Shape(
        _of("video", {"mime_type": "video/mp4", **A_FILE}, context={"forwarded": True}),
        {
            "content": {"mime_type": "video/mp4", **A_FILE},
            "media": _media("video/mp4"),
            "context": {"forwarded": True},
        },
    ),
    "a document": Shape(
        _of("document", _PDF), {"content": _PDF, "media": _media("application/pdf", "order.pdf")}
    ),
    "an audio": Shape(
        _of("audio", _VOICE), {"content": _VOICE, "media": _media("audio/ogg; codecs=opus")}
    ),
    "a sticker": Shape(
        _of("sticker", _STICKER), {"content": _STICKER, "media": _media("image/webp")}
    ),
    "a location": Shape(_of("location", _POSITION), {"content": _POSITION}),
    "contacts": Shape(_of("contacts", [_PERSON]), {"content": {"contacts": [_PERSON]}}),
    "a template's button": Shape(
        _of("button", {"payload": "Unsubscribe", "text": "Unsubscribe"}, context=_REPLY),
        {"content": {"payload": "Unsubscribe", "text": "Unsubscribe"}, "context": _REPLY},
    ),
    "a button": Shape(
        _interactive("button_reply", {"id": "confirm", "title": "确认"}),
        {
            "content": {
                "type": "button_reply",
                "button_reply": {"id": "confirm", "title": "确认"},
            },
            "context": _REPLY,
            "choice": Choice.CONFIRM,
        },
    ),
    "a row of a list": Shape(
        _interactive("list_reply", _LIST_REPLY),
        {"content": {"type": "list_reply", "list_reply": _LIST_REPLY}, "context": _REPLY},
    ),
    "a flow": Shape(
        _interactive("nfm_reply", _FLOW),
        {"content": {"type": "nfm_reply", "nfm_reply": _FLOW}, "context": _REPLY},
    ),
    "a permission to call": Shape(
        _interactive("call_permission_reply", {"response": "accept"}),
        {
            "content": {
                "type": "call_permission_reply",
                "call_permission_reply": {"response": "accept"},
            },
            "context": _REPLY,
        },
    ),
    "a reaction": Shape(_of("reaction", _REACTION), {"content": _REACTION}),
    "a reaction taken back": Shape(
        _of("reaction", {"message_id": "wamid.x"}), {"content": {"message_id": "wamid.x"}}
    ),
    "an order": Shape(_of("order", _ORDER), {"content": _ORDER}),
    "a number changed": Shape(_of("system", _NEW_NUMBER), {"content": _NEW_NUMBER}),
    "a user id changed, of somebody who hides the number": Shape(
        _of("system", _NEW_USER_ID, **{"from": None}),
        {"content": _NEW_USER_ID, "author": USER_ID, "author_name": None},
    ),
    "an identity changed": Shape(
        _of("system", _CHANGED, identity=_NEW_IDENTITY),
        {"content": {**_CHANGED, "identity": _NEW_IDENTITY}},
    ),
    "unsupported": Shape(
        _of("unsupported", {"type": "poll"}, errors=[_UNSUPPORTED]),
        {
            "content": {"type": "poll"},
            "errors": (
                ProviderError(
                    code="131051",
                    title="Message type unknown",
                    detail="Message type is currently not supported.",
                ),
            ),
        },
    ),
    "an edit": Shape(_of("edit", _EDIT), {"content": _EDIT}),
    "a revoke": Shape(_of("revoke", _REVOKE), {"content": _REVOKE}),
    "a type of the future": Shape(
        _of("hologram", {"depth": [1, {"deep": None}]}), {"content": {"depth": [1, {"deep": None}]}}
    ),
    "a reply": Shape({"context": _REPLY}, {"context": _REPLY}),
    "a question about a product": Shape(
        {"context": {**_REPLY, "referred_product": {"catalog_id": "1"}}},
        {"context": {**_REPLY, "referred_product": {"catalog_id": "1"}}},
    ),
    "a text after an advertisement": Shape({"referral": _REFERRAL}, {"referral": _REFERRAL}),
    "a text in a group": Shape({"group_id": GROUP_ID}, {"group_id": GROUP_ID}),
    "a text with both ids": Shape({"from_user_id": USER_ID}, {"author_user_id": USER_ID}),
    "a text of somebody who hides the number": Shape(
        {"from": None, "from_user_id": USER_ID},
        {"author": USER_ID, "author_user_id": USER_ID, "author_name": None},
    ),
}
"""On a text of somebody whose contact stands beside it."""
