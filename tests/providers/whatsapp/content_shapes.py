"""Each content as it stands on ``send-requests``, beside what is sent for it (fact sheet 2.2)."""

import msgspec

from schemas.topics.contents import Content

LINK = "https://example.com/a.png"


def content_of(content: object) -> Content:
    """Return the content that such JSON on ``send-requests`` is."""
    return msgspec.convert(content, Content)  # pyright: ignore[reportArgumentType] - a union


CARD = {
    "name": {"formattedName": "Barbara J. Johnson", "firstName": "Barbara", "lastName": "Johnson"},
    "phones": [{"phone": "+19175559999", "type": "Mobile", "waId": "19175559999"}],
    "emails": [{"email": "b@example.com", "type": "Work"}],
    "company": "Lucky Shrub",
}
BUTTONS = {"kind": "buttons", "buttons": [{"id": "change-button", "title": "Change"}]}
LIST = {
    "kind": "list",
    "button": "Open",
    "sections": [
        {"title": "Sizes", "rows": [{"id": "s", "title": "Small", "description": "36 to 38"}]},
        {"title": "More", "rows": [{"id": "l", "title": "Large"}]},
    ],
}

FOREIGN: list[dict[str, object]] = [
    {"type": "article", "title": "a", "body": "b", "cover": {"key": "uploads/c.png"}},
    {"type": "link", "title": "Our shop", "url": LINK},
    {
        "type": "miniprogram",
        "title": "Our shop",
        "appId": "wx1",
        "page": "pages/index",
        "cover": {"key": "outbound/a.png"},
    },
    {"type": "markdown", "body": "**Hi**"},
    {"type": "card", "title": "Sure?", "buttons": [{"key": "yes", "title": "Yes"}]},
    {"type": "notification", "templateId": "t-1", "data": {"thing1": "Ready"}},
    {"type": "group_send", "targets": ["wmA"], "text": "Hi"},
]
"""What only other channels send."""

SHAPES: list[tuple[dict[str, object], object]] = [
    ({"type": "text", "body": "Hi"}, {"preview_url": False, "body": "Hi"}),
    (
        {"type": "image", "id": "1479537139650973", "caption": "Taj Mahal"},
        {"id": "1479537139650973", "caption": "Taj Mahal"},
    ),
    ({"type": "image", "link": LINK}, {"link": LINK}),
    (
        {"type": "document", "id": "137", "fileName": "order.pdf", "caption": "Yours"},
        {"id": "137", "filename": "order.pdf", "caption": "Yours"},
    ),
    ({"type": "document", "link": LINK}, {"link": LINK}),
    ({"type": "audio", "id": "101", "voice": True}, {"id": "101", "voice": True}),
    ({"type": "audio", "link": LINK}, {"link": LINK}),
    ({"type": "video", "link": LINK, "caption": "Look"}, {"link": LINK, "caption": "Look"}),
    ({"type": "sticker", "id": "798882015472548"}, {"id": "798882015472548"}),
    (
        {
            "type": "location",
            "latitude": 37.4421,
            "longitude": -122.1615,
            "name": "Philz Coffee",
            "address": "101 Forest Ave",
        },
        {
            "latitude": "37.4421",
            "longitude": "-122.1615",
            "name": "Philz Coffee",
            "address": "101 Forest Ave",
        },
    ),
    (
        {"type": "location", "latitude": -0.0, "longitude": 1e-05},
        {"latitude": "0", "longitude": "0.00001"},
    ),
    (
        {"type": "location", "latitude": 90, "longitude": 100},
        {"latitude": "90", "longitude": "100"},
    ),
    (
        {"type": "contacts", "contacts": [CARD, {"name": {"formattedName": "Ada"}}]},
        [
            {
                "name": {
                    "formatted_name": "Barbara J. Johnson",
                    "first_name": "Barbara",
                    "last_name": "Johnson",
                },
                "phones": [{"phone": "+19175559999", "type": "Mobile", "wa_id": "19175559999"}],
                "emails": [{"email": "b@example.com", "type": "Work"}],
                "org": {"company": "Lucky Shrub"},
            },
            {"name": {"formatted_name": "Ada"}},
        ],
    ),
    (
        {"type": "reaction", "providerMessageId": "wamid.x", "emoji": "😀"},
        {"message_id": "wamid.x", "emoji": "😀"},
    ),
    (
        {"type": "reaction", "providerMessageId": "wamid.x", "emoji": ""},
        {"message_id": "wamid.x", "emoji": ""},
    ),
    (
        {
            "type": "interactive",
            "body": "Change it?",
            "header": "Your order",
            "footer": "Lucky Shrub",
            "action": BUTTONS,
        },
        {
            "type": "button",
            "header": {"type": "text", "text": "Your order"},
            "body": {"text": "Change it?"},
            "footer": {"text": "Lucky Shrub"},
            "action": {
                "buttons": [{"type": "reply", "reply": {"id": "change-button", "title": "Change"}}]
            },
        },
    ),
    (
        {"type": "interactive", "body": "Which size?", "action": LIST},
        {
            "type": "list",
            "body": {"text": "Which size?"},
            "action": {
                "button": "Open",
                "sections": [
                    {
                        "title": "Sizes",
                        "rows": [{"id": "s", "title": "Small", "description": "36 to 38"}],
                    },
                    {"title": "More", "rows": [{"id": "l", "title": "Large"}]},
                ],
            },
        },
    ),
    (
        {
            "type": "interactive",
            "body": "Track it",
            "action": {"kind": "link", "title": "Track", "url": "https://example.com"},
        },
        {
            "type": "cta_url",
            "body": {"text": "Track it"},
            "action": {
                "name": "cta_url",
                "parameters": {"display_text": "Track", "url": "https://example.com"},
            },
        },
    ),
]
