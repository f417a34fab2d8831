import json

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from domain.identity import MessageId
from providers.whatsapp import payloads
from schemas.topics.contents import TextContent
from tests.given import RECIPIENT
from tests.providers.whatsapp.channels import a_message


def test_a_text_is_sent_in_the_words_of_the_api_with_our_id_riding_along() -> None:
    content = TextContent(body="See https://example.com", preview_url=True)
    message = a_message(message_id=MessageId("msg_1"), content=content)

    body = json.loads(payloads.build(message))

    assert body == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": RECIPIENT,
        "type": "text",
        "text": {"preview_url": True, "body": "See https://example.com"},
        "biz_opaque_callback_data": "msg_1",
    }


@given(st.text(min_size=1).filter(lambda text: text.isprintable()))
def test_every_text_arrives_as_it_was_written(text: str) -> None:
    message = a_message(content=TextContent(body=text))

    body = msgspec.json.decode(payloads.build(message))

    assert body["text"]["body"] == text
