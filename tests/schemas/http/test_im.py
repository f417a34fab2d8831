from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from schemas.http.im import MessageAccepted, SendMessage

BODY: dict[str, Any] = {
    "contactId": "+16505551234",
    "messageType": "text",
    "content": "Hi Ada",
    "scheduledAt": "2026-03-02T10:30:00+01:00",
}


def test_a_send_is_read_in_camel_case_with_its_time() -> None:
    body = read(BODY)

    assert body.contact_id == "+16505551234"
    assert body.scheduled_at == datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    assert (body.channel, body.priority, body.when_limited) == ("whatsapp", "high", "fail")


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("contactId", ""),
        ("content", 5),
        ("channel", "Pigeon"),
        ("originalMessageId", "msg_1\n"),
        ("scheduledAt", 1_772_443_800),
        ("scheduledAt", "tomorrow"),
        ("scheduledAt", "2026-03-02T10:30:00"),
        ("priority", "urgent"),
        ("whenLimited", "hurry"),
        ("fallback", {"content": {"type": "text", "body": ""}}),
        ("colour", "red"),
    ],
)
def test_what_is_wrong_with_a_send_names_the_field(field: str, wrong: object) -> None:
    with pytest.raises(msgspec.ValidationError, match=field):
        read({**BODY, field: wrong})


def read(body: dict[str, Any]) -> SendMessage:
    return msgspec.json.decode(msgspec.json.encode(body), type=SendMessage)


def test_an_accepted_send_is_shown_as_sending() -> None:
    answer = MessageAccepted(message_id="msg_1", sent_at=datetime(2026, 3, 2, tzinfo=UTC))

    assert answer.model_dump(mode="json", by_alias=True) == {
        "messageId": "msg_1",
        "status": "sending",
        "sentAt": "2026-03-02T00:00:00Z",
    }
