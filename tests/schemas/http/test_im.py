from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from domain.content import LONGEST_TEXT
from schemas.http.im import MessageAccepted, SendMessage

BODY: dict[str, Any] = {
    "contactId": "+16505551234",
    "messageType": "text",
    "content": "Hi Ada",
    "scheduledAt": "2026-03-02T10:30:00+01:00",
}


def test_a_send_is_read_in_camel_case_with_its_time() -> None:
    body = SendMessage.model_validate(BODY)

    assert body.contact_id == "+16505551234"
    assert body.scheduled_at == datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("contactId", ""),
        ("contactId", "a\x00b"),
        ("messageType", "dance"),
        ("content", ""),
        ("content", "x" * (LONGEST_TEXT + 1)),
        ("content", "a\x00b"),
        ("originalMessageId", "msg_1\n"),
        ("scheduledAt", 1_772_443_800),
        ("scheduledAt", "tomorrow"),
        ("scheduledAt", "2026-03-02T10:30:00"),
        ("colour", "red"),
    ],
)
def test_what_is_wrong_with_a_send_names_the_field(field: str, wrong: object) -> None:
    with pytest.raises(ValidationError) as caught:
        SendMessage.model_validate({**BODY, field: wrong})

    assert [error["loc"][0] for error in caught.value.errors()] == [field]


def test_an_accepted_send_is_shown_as_sending() -> None:
    answer = MessageAccepted(message_id="msg_1", sent_at=datetime(2026, 3, 2, tzinfo=UTC))

    assert answer.model_dump(mode="json", by_alias=True) == {
        "messageId": "msg_1",
        "status": "sending",
        "sentAt": "2026-03-02T00:00:00Z",
    }
