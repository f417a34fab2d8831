from datetime import UTC, datetime

from schemas.http.trail import MessageStatus


def test_a_status_has_every_field_of_the_catalogue_with_times_in_utc() -> None:
    status = MessageStatus(
        message_id="msg_123456",
        status="delivered",
        sent_at=datetime(2025, 1, 20, 10, 30, 25, tzinfo=UTC),
        delivered_at=datetime(2025, 1, 20, 10, 30, 30, 120_000, tzinfo=UTC),
    )

    assert status.model_dump(mode="json", by_alias=True) == {
        "messageId": "msg_123456",
        "status": "delivered",
        "sentAt": "2025-01-20T10:30:25.000Z",
        "deliveredAt": "2025-01-20T10:30:30.120Z",
        "readAt": None,
        "failedAt": None,
        "errorCode": None,
        "errorMessage": None,
    }
