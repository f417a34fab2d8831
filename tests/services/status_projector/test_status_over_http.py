"""What people are told of a message (ST-09)."""

import pytest
import sqlalchemy as sa

from tests.eventually import eventually
from tests.given import NOON, a_message_id
from tests.services.status_projector.facts import Life
from tests.services.status_projector.projectors import SOON, RunningProjector, Writer, whole

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

UNKNOWN = {"code": 404, "message": "Message not found", "data": None}


async def shown(running: RunningProjector, message_id: str) -> str | None:
    answer = await running.status(message_id)
    return answer.json()["data"]["status"] if answer.status_code == 200 else None


async def test_a_status_has_all_its_fields_and_nulls_for_what_has_not_happened(
    running: RunningProjector, writer: Writer
) -> None:
    life = Life()
    await writer.write([life.request(), life.started(), life.accepted()])
    await eventually(lambda: is_shown(running, life, "sent"), within=SOON)

    answer = await running.status(life.message_id)

    assert answer.json() == {
        "code": 200,
        "message": "success",
        "data": {
            "messageId": life.message_id,
            "status": "sent",
            "sentAt": "2026-03-02T12:00:00.000Z",
            "deliveredAt": None,
            "readAt": None,
            "failedAt": None,
            "errorCode": None,
            "errorMessage": None,
        },
    }


async def test_a_read_message_tells_when(running: RunningProjector, writer: Writer) -> None:
    life = Life()
    await writer.write(whole(life))
    await eventually(lambda: is_shown(running, life, "read"), within=SOON)

    data = (await running.status(life.message_id)).json()["data"]

    assert data["deliveredAt"] == "2026-03-02T12:00:05.000Z"
    assert data["readAt"] == "2026-03-02T12:00:09.000Z"
    assert data["failedAt"] is None


async def test_a_failed_message_tells_why_in_the_words_for_people(
    running: RunningProjector, writer: Writer
) -> None:
    life = Life()
    await writer.write([life.request(), life.started(), life.rejected()])
    await eventually(lambda: is_shown(running, life, "failed"), within=SOON)

    data = (await running.status(life.message_id)).json()["data"]

    assert data["failedAt"] == "2026-03-02T12:00:02.000Z"
    assert data["errorCode"] == "INVALID_RECIPIENT"
    assert data["errorMessage"] == "Recipient phone number is invalid."


async def test_what_nobody_has_taken_yet_is_shown_as_sending(
    running: RunningProjector, writer: Writer, engine: sa.Engine
) -> None:
    life = Life()
    await writer.write([life.request()])

    await eventually(lambda: stored_status(engine, life) == "pending", within=SOON)

    assert await shown(running, life.message_id) == "sending"


async def test_what_was_accepted_and_is_not_projected_yet_is_found(
    running: RunningProjector, engine: sa.Engine
) -> None:
    message_id = a_message_id()
    statement = sa.text("INSERT INTO accepted_sends (message_id, sent_at) VALUES (:id, :at)")
    with engine.begin() as connection:
        connection.execute(statement, {"id": message_id, "at": NOON})

    data = (await running.status(message_id)).json()["data"]

    assert data == {
        "messageId": message_id,
        "status": "sending",
        "sentAt": "2026-03-02T12:00:00.000Z",
        "deliveredAt": None,
        "readAt": None,
        "failedAt": None,
        "errorCode": None,
        "errorMessage": None,
    }


@pytest.mark.parametrize("message_id", ["msg_nobody", "'; DROP TABLE messages; --", "%00", "%ff"])
async def test_what_nobody_knows_is_not_found(running: RunningProjector, message_id: str) -> None:
    answer = await running.status(message_id)

    assert answer.status_code == 404
    assert answer.json() == UNKNOWN


async def is_shown(running: RunningProjector, life: Life, status: str) -> bool:
    return await shown(running, life.message_id) == status


def stored_status(engine: sa.Engine, life: Life) -> str | None:
    query = sa.text("SELECT delivery_status FROM messages WHERE message_id = :id")
    with engine.connect() as connection:
        return connection.execute(query, {"id": life.message_id}).scalar()
