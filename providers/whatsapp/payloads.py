"""The body of a send call (WA-03…WA-05; fact sheet 2.1, 2.2)."""

import msgspec

from providers.contract import Message
from schemas.topics.contents import TextContent


def build(message: Message) -> bytes:
    """Return the JSON body. Our message id rides along and comes back in every callback."""
    content = message.content
    assert isinstance(content, TextContent)
    return msgspec.json.encode(
        {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": message.recipient,
            "type": "text",
            "text": {"preview_url": content.preview_url, "body": content.body},
            "biz_opaque_callback_data": message.message_id,
        }
    )
