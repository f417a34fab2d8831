"""What is sent, to the letter (WA-03…WA-11, CF-14; fact sheet 2.2)."""

import json
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.identity import MessageId, ProviderMessageId
from providers.whatsapp import payloads
from providers.whatsapp.builtin_templates import appointment_reminder, order_status_update
from schemas.topics.contents import Content, TextContent
from tests.given import RECIPIENT
from tests.providers.whatsapp.channels import a_message
from tests.providers.whatsapp.content_shapes import FOREIGN, LINK, SHAPES, content_of


def sent(content: object, **what_matters: Any) -> dict[str, Any]:  # noqa: ANN401 - any field
    """Return the body that is sent for such JSON on ``send-requests``."""
    message = a_message(content=content_of(content), **what_matters)
    return json.loads(payloads.build(message))


def test_a_text_is_sent_in_the_words_of_the_api_with_our_id_riding_along() -> None:
    content = {"type": "text", "body": "See https://example.com", "previewUrl": True}

    body = sent(content, message_id=MessageId("msg_1"))

    assert body == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": RECIPIENT,
        "type": "text",
        "text": {"preview_url": True, "body": "See https://example.com"},
        "biz_opaque_callback_data": "msg_1",
    }


def test_whoever_hides_their_number_is_written_to_by_the_user_id() -> None:
    body = sent({"type": "text", "body": "Hi"}, recipient="US.13491208655302741918")

    assert body["recipient"] == "US.13491208655302741918"
    assert "to" not in body


def test_an_answer_quotes_what_it_answers() -> None:
    body = sent({"type": "text", "body": "Yes"}, reply_to=ProviderMessageId("wamid.asked"))

    assert body["context"] == {"message_id": "wamid.asked"}


def test_a_reaction_quotes_nothing_besides() -> None:
    content = {"type": "reaction", "providerMessageId": "wamid.x", "emoji": "😀"}

    body = sent(content, reply_to=ProviderMessageId("wamid.asked"))

    assert "context" not in body


@pytest.mark.parametrize(("content", "part"), SHAPES)
def test_each_content_has_the_shape_that_the_api_names(
    content: dict[str, object], part: object
) -> None:
    body = sent(content)

    assert body[body["type"]] == part
    assert body["type"] == content["type"]


def a_parameter(kind: str, **more: object) -> dict[str, object]:
    return {"type": kind, **more}


FILLED: list[tuple[dict[str, object], list[object] | None]] = [
    ({}, None),
    (
        {"header": a_parameter("text", text="Ada")},
        [{"type": "header", "parameters": [{"type": "text", "text": "Ada"}]}],
    ),
    (
        {"header": a_parameter("image", id="287")},
        [{"type": "header", "parameters": [{"type": "image", "image": {"id": "287"}}]}],
    ),
    (
        {"header": a_parameter("video", link=LINK)},
        [{"type": "header", "parameters": [{"type": "video", "video": {"link": LINK}}]}],
    ),
    (
        {"header": a_parameter("document", id="287", fileName="order.pdf")},
        [
            {
                "type": "header",
                "parameters": [
                    {"type": "document", "document": {"id": "287", "filename": "order.pdf"}}
                ],
            }
        ],
    ),
    (
        {
            "body": [
                a_parameter("text", text="Pablo"),
                a_parameter("currency", fallbackValue="$10.99", code="USD", amount1000=10_990),
                a_parameter("date_time", fallbackValue="1 May"),
            ]
        },
        [
            {
                "type": "body",
                "parameters": [
                    {"type": "text", "text": "Pablo"},
                    {
                        "type": "currency",
                        "currency": {
                            "fallback_value": "$10.99",
                            "code": "USD",
                            "amount_1000": 10_990,
                        },
                    },
                    {"type": "date_time", "date_time": {"fallback_value": "1 May"}},
                ],
            }
        ],
    ),
    (
        {
            "body": [
                a_parameter("text", name="order_number", text="A-17"),
                a_parameter("date_time", name="day", fallbackValue="1 May"),
            ]
        },
        [
            {
                "type": "body",
                "parameters": [
                    {"type": "text", "parameter_name": "order_number", "text": "A-17"},
                    {
                        "type": "date_time",
                        "parameter_name": "day",
                        "date_time": {"fallback_value": "1 May"},
                    },
                ],
            }
        ],
    ),
    (
        {
            "buttons": [
                {"index": 0, "kind": "quick_reply", "value": "STOP"},
                {"index": 1, "kind": "url", "value": "A-17"},
                {"index": 2, "kind": "copy_code", "value": "25OFF"},
            ]
        },
        [
            {
                "type": "button",
                "sub_type": "quick_reply",
                "index": 0,
                "parameters": [{"type": "payload", "payload": "STOP"}],
            },
            {
                "type": "button",
                "sub_type": "url",
                "index": 1,
                "parameters": [{"type": "text", "text": "A-17"}],
            },
            {
                "type": "button",
                "sub_type": "copy_code",
                "index": 2,
                "parameters": [{"type": "coupon_code", "coupon_code": "25OFF"}],
            },
        ],
    ),
]


@pytest.mark.parametrize(("filled_in", "components"), FILLED)
def test_a_template_carries_what_is_filled_in(
    filled_in: dict[str, object], components: list[object] | None
) -> None:
    body = sent({"type": "template", "name": "news", "language": "en_US", **filled_in})

    expected: dict[str, object] = {"name": "news", "language": {"code": "en_US"}}
    if components is not None:
        expected["components"] = components
    assert body["template"] == expected


@pytest.mark.parametrize(
    ("content", "name", "values"),
    [
        (order_status_update("A-17", "ready"), "order_status_update", ["A-17", "ready"]),
        (appointment_reminder("1 May", "Phone 4"), "appointment_reminder", ["1 May", "Phone 4"]),
    ],
)
def test_the_built_in_templates_are_filled_in_their_order(
    content: Content, name: str, values: list[str]
) -> None:
    body = json.loads(payloads.build(a_message(content=content)))

    assert body["template"] == {
        "name": name,
        "language": {"code": "en"},
        "components": [
            {"type": "body", "parameters": [{"type": "text", "text": value} for value in values]}
        ],
    }


@given(st.text(min_size=1).filter(lambda text: text.isprintable()))
def test_every_text_arrives_as_it_was_written(text: str) -> None:
    message = a_message(content=TextContent(body=text))

    body = msgspec.json.decode(payloads.build(message))

    assert body["text"]["body"] == text


KEY = "outbound/2026/03/0a1b.png"


@pytest.mark.parametrize(
    "content",
    [
        {"type": "image", "key": KEY, "caption": "Look"},
        {"type": "template", "name": "news", "header": {"type": "image", "key": KEY}},
    ],
)
def test_the_providers_id_stands_in_the_place_of_our_key(content: dict[str, object]) -> None:
    ours = content_of(content)

    placed = payloads.with_media_id(ours, "287")

    file = payloads.file_of(placed)
    assert file is not None
    assert (file.id, file.key) == ("287", None)
    assert msgspec.to_builtins(placed) == json.loads(
        json.dumps(content).replace(f'"key": "{KEY}"', '"id": "287"')
    )


def test_every_content_has_its_shape_here_or_is_another_channels() -> None:
    tags = {str(kind.__struct_config__.tag) for kind in get_args(Content)}

    shown = {str(content["type"]) for content, _ in SHAPES} | {"template"}

    assert tags - shown == {str(content["type"]) for content in FOREIGN}


@pytest.mark.parametrize("content", FOREIGN)
def test_what_only_other_channels_send_has_no_body(content: dict[str, object]) -> None:
    assert not payloads.can_send(content_of(content))
    with pytest.raises(payloads.NotOurs, match=str(content["type"])):
        sent(content)
