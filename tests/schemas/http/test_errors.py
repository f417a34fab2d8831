import json

import pytest
from pydantic import ValidationError

from schemas.http.envelope import Envelope, Shape
from schemas.http.errors import Problem, body_of


class Answer(Shape):
    """Some data."""

    message_id: str


@pytest.mark.parametrize(
    ("path", "content", "media_type"),
    [
        (
            "/api/v1/im/messages/msg_1/status",
            {"code": 400, "message": "body: too long", "data": {"field": "body"}},
            "application/json",
        ),
        (
            "/api/whatsapp/job-progress/1",
            {"success": False, "message": "body: too long"},
            "application/json",
        ),
        (
            "/api/v1/jobs/1/pause",
            {"success": False, "message": "body: too long"},
            "application/json",
        ),
        ("/somewhere/else", {"error": "body: too long"}, "application/json"),
        ("/", {"error": "body: too long"}, "application/json"),
    ],
)
def test_an_error_has_the_shape_of_its_family(path: str, content: object, media_type: str) -> None:
    body = body_of(Problem(400, "body: too long", "body"), path)

    assert json.loads(body.content) == content
    assert body.media_type == media_type


def test_the_provider_is_told_in_plain_text() -> None:
    body = body_of(Problem(403, "wrong signature"), "/api/whatsapp/webhook")

    assert body.content == b"wrong signature"
    assert body.media_type.startswith("text/plain")


def test_an_error_about_no_field_has_no_data() -> None:
    body = body_of(Problem(404, "Message not found: ü"), "/api/v1/im/messages/x/status")

    assert json.loads(body.content) == {
        "code": 404,
        "message": "Message not found: ü",
        "data": None,
    }
    assert "ü".encode() in body.content


def test_a_success_is_an_envelope_in_camel_case() -> None:
    answer = Envelope[Answer](data=Answer(message_id="msg_1"))

    assert answer.model_dump(by_alias=True) == {
        "code": 200,
        "message": "success",
        "data": {"messageId": "msg_1"},
    }


def test_a_body_with_a_field_we_do_not_know_is_refused() -> None:
    with pytest.raises(ValidationError, match="colour"):
        Answer.model_validate({"messageId": "msg_1", "colour": "red"})
