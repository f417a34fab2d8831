"""Contents with placeholders: which can be sent at all, and to whom (BJ-01, IM-38)."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.content import LONGEST_CAPTION, Json
from runtime.errors import InvalidInput
from schemas.topics.contents import Content, ImageContent
from services.scheduler.drafts import check, draft_of
from services.scheduler.store.rows import Refusal

QR_CODE: dict[str, Json] = {
    "type": "image",
    "link": "{qrCodeUrl}",
    "caption": "Hi {name}, this is your code.",
}
TEMPLATE: dict[str, Json] = {
    "type": "template",
    "name": "order_status_update",
    "language": "en",
    "header": {"type": "text", "text": "{title}"},
    "body": [{"type": "text", "text": "{name}"}, {"type": "text", "text": "{order}"}],
    "buttons": [{"index": 0, "kind": "url", "value": "track/{order}"}],
}
INTERACTIVE: dict[str, Json] = {
    "type": "interactive",
    "body": "{name}?",
    "action": {"kind": "buttons", "buttons": [{"id": "{order}", "title": "Yes, {name}"}]},
}
LINK: dict[str, Json] = {"type": "link", "title": "For {name}", "url": "https://x.example/{order}"}
TEXT: dict[str, Json] = {"type": "text", "body": "{name}{order}"}

every_draft = st.sampled_from([QR_CODE, TEMPLATE, INTERACTIVE, LINK, TEXT])
values = (
    st.text(max_size=8) | st.integers(0, 1_200).map("x".__mul__) | st.just("https://x.example/y")
)
variables = st.fixed_dictionaries(dict.fromkeys(("name", "order", "title", "qrCodeUrl"), values))


def test_each_person_gets_their_own_picture_and_caption() -> None:
    check(QR_CODE)

    filled = draft_of(QR_CODE).filled({"name": "Ada", "qrCodeUrl": "https://qr.example/ada.png"})

    assert filled == ImageContent(
        link="https://qr.example/ada.png", caption="Hi Ada, this is your code."
    )


@given(every_draft, variables)
def test_whoever_has_no_problem_gets_a_content_that_is_valid(
    content: dict[str, Json], variables: dict[str, str]
) -> None:
    draft = draft_of(content)
    problem = draft.problem(variables, msgspec.json.encode(variables).decode())

    filled = draft.filled(variables)

    if problem is None:
        assert not isinstance(filled, Refusal)
        encoded = msgspec.json.encode(filled)
        assert msgspec.json.decode(encoded, type=Content) == filled
        assert b"\\u0000" not in encoded
    elif "NUL" not in problem:
        assert isinstance(filled, Refusal)


@pytest.mark.parametrize(
    ("content", "given", "problem"),
    [
        (QR_CODE, {"name": "Ada"}, "no value for qrCodeUrl"),
        (QR_CODE, {"name": "Ada", "qrCodeUrl": "a code"}, "link cannot be sent so"),
        (
            QR_CODE,
            {"name": "x" * LONGEST_CAPTION, "qrCodeUrl": "https://x.example"},
            "caption is longer than 1024 characters",
        ),
        (INTERACTIVE, {"name": "", "order": ""}, "action.buttons[0].id is empty"),
        (
            INTERACTIVE,
            {"name": "Ada Lovelace of London", "order": "1"},
            "action.buttons[0].title is longer than 20 characters",
        ),
    ],
)
def test_why_a_person_cannot_have_it(
    content: dict[str, Json], given: dict[str, str], problem: str
) -> None:
    assert draft_of(content).problem(given, msgspec.json.encode(given).decode()) == problem


@pytest.mark.parametrize("content", [QR_CODE, TEMPLATE, INTERACTIVE, LINK, TEXT])
def test_a_content_with_placeholders_can_be_a_jobs(content: dict[str, Json]) -> None:
    check(content)


WRONG: list[tuple[str, Any]] = [
    ("content.link", QR_CODE | {"link": "ftp://{host}"}),
    ("content", QR_CODE | {"id": "4711"}),
    ("content.name", TEMPLATE | {"name": "{which}"}),
    ("content.body[0].text", TEMPLATE | {"body": [{"type": "text"}]}),
    ("content.action.buttons", INTERACTIVE | {"action": {"kind": "buttons", "buttons": []}}),
    ("content.caption", QR_CODE | {"caption": "a\x00b"}),
    ("content.colour", TEXT | {"colour": "red"}),
    (
        "content.data.a\ufffd",
        {"type": "notification", "templateId": "t", "data": {"a\x00": "b"}},
    ),
    ("content.type", {"type": "dance"}),
]


@pytest.mark.parametrize(("field", "wrong"), WRONG)
def test_what_nobody_could_have_is_refused_with_its_field(
    field: str, wrong: dict[str, Json]
) -> None:
    with pytest.raises(InvalidInput) as caught:
        check(wrong)

    assert caught.value.field == field


def test_what_is_nested_without_end_is_refused() -> None:
    deep: Any = []
    for _ in range(5_000):
        deep = [deep]

    with pytest.raises(InvalidInput) as caught:
        check(TEXT | {"body": deep})

    assert caught.value.field == "content"
