"""What people are told of a message (ST-09) and of a job (BJ-05, CF-20)."""

from typing import Any

import pytest
import sqlalchemy as sa

from schemas.sealed import JOB_ITEMS, JobRow
from tests.eventually import eventually
from tests.given import NOON, a_message_id
from tests.services.status_projector.facts import Life
from tests.services.status_projector.projectors import SOON, RunningProjector, Writer, whole
from tests.vaults import the_vault

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


async def test_a_job_tells_how_far_it_is_and_after_its_end_who_was_not_reached(
    running: RunningProjector, writer: Writer, engine: sa.Engine
) -> None:
    job, lives = a_message_id(), [Life() for _ in range(5)]
    a_job(engine, job, lives, total=9)
    await writer.write([life.request(job_id=job) for life in lives])
    await writer.write([life.started() for life in lives[:4]])
    await writer.write([lives[0].accepted(), lives[1].rejected()])
    await writer.write([lives[2].accepted(), lives[2].reported("read", 9)])

    async def counted() -> bool:
        counts = (await progress_of(running, job))["counts"]
        return bool(counts["sent"] and counts["read"] and counts["failed"])

    await eventually(counted, within=SOON)
    during = await progress_of(running, job)
    end(engine, job)
    after = await progress_of(running, job)

    assert during["counts"] == {
        "pending": 3,
        "sending": 1,
        "sent": 1,
        "delivered": 0,
        "read": 1,
        "failed": 1,
        "skipped": 1,
        "cancelled": 1,
    }
    assert (during["total"], during["processed"]) == (9, 5)
    assert (during["successCount"], during["failedCount"]) == (2, 2)
    assert during["percent"] == 55.6
    assert during["failures"] == []
    assert after["status"] == "completed"
    assert after["failures"] == [
        {
            "workerId": "2",
            "name": "Person 2",
            "phone": "+16505550002",
            "error": "Recipient phone number is invalid.",
        },
        {"workerId": "W-6", "name": "Bo", "phone": "+1650", "error": "no such phone number"},
    ]


async def test_what_was_refused_because_its_job_was_cancelled_counts_as_cancelled_only(
    running: RunningProjector, writer: Writer, engine: sa.Engine
) -> None:
    job, lives = a_message_id(), [Life() for _ in range(2)]
    a_job(engine, job, lives, total=4)
    await writer.write([life.request(job_id=job) for life in lives])
    await writer.write([lives[0].rejected()])

    async def failed() -> bool:
        return (await progress_of(running, job))["counts"]["failed"] == 1

    await eventually(failed, within=SOON)
    recall(engine, lives[0])
    end(engine, job)
    progress = await progress_of(running, job)

    counts = {name: count for name, count in progress["counts"].items() if count}
    assert counts == {"pending": 1, "skipped": 1, "cancelled": 2}
    assert [failure["workerId"] for failure in progress["failures"]] == ["W-6"]


async def test_a_paused_job_says_why(running: RunningProjector, engine: sa.Engine) -> None:
    job = a_message_id()
    a_job(engine, job, [], total=2)
    pause = sa.text("UPDATE jobs SET status = 'paused', paused_reason = 'why' WHERE job_id = :job")
    with engine.begin() as connection:
        connection.execute(pause, {"job": job})

    progress = await progress_of(running, job)

    assert (progress["status"], progress["pausedReason"]) == ("paused", "why")


@pytest.mark.parametrize("job", ["nobody", "%00"])
async def test_an_unknown_job_is_not_found(running: RunningProjector, job: str) -> None:
    answer = await running.client.get(f"/api/whatsapp/job-progress/{job}")

    assert answer.status_code == 404
    assert answer.json() == {"success": False, "message": "Job not found"}


async def is_shown(running: RunningProjector, life: Life, status: str) -> bool:
    return await shown(running, life.message_id) == status


def stored_status(engine: sa.Engine, life: Life) -> str | None:
    query = sa.text("SELECT delivery_status FROM messages WHERE message_id = :id")
    with engine.connect() as connection:
        return connection.execute(query, {"id": life.message_id}).scalar()


async def progress_of(running: RunningProjector, job: str) -> dict[str, Any]:
    answer = await running.client.get(f"/api/whatsapp/job-progress/{job}")
    assert answer.json()["success"] is True
    return answer.json()["progress"]


def a_job(engine: sa.Engine, job: str, lives: list[Life], *, total: int) -> None:
    """Store a job whose first rows are messages; one more is skipped, one cancelled."""
    insert_job = sa.text(
        "INSERT INTO jobs (job_id, channel, sender_id, content, status, total, created_at,"
        " started_at) VALUES (:job, 'whatsapp', '1', '{}', 'running', :total, :at, :at)"
    )
    insert_item = sa.text(
        "INSERT INTO job_items (job_id, row, message_id, person, sealed, state,"
        " error_code, error_detail) VALUES (:job, :row, :id, :person, :sealed, :state, :code,"
        " :detail)"
    )
    nothing = {"code": None, "detail": None}
    items: list[dict[str, Any]] = [
        {
            "row": row,
            "id": life.message_id,
            "phone": f"+1650555000{row}",
            "variables": {"name": f"Person {row}"},
            "state": "fed",
            **nothing,
        }
        for row, life in enumerate(lives, start=1)
    ]
    items += [
        {
            "row": 6,
            "id": a_message_id(),
            "phone": "+1650",
            "variables": {"name": "Bo", "workerId": "W-6"},
            "state": "skipped",
            "code": "INVALID_RECIPIENT",
            "detail": "no such phone number",
        },
        {
            "row": 7,
            "id": a_message_id(),
            "phone": "+16505550007",
            "variables": {},
            "state": "cancelled",
            **nothing,
        },
    ]
    with engine.begin() as connection:
        connection.execute(insert_job, {"job": job, "total": total, "at": NOON})
        sealed = [{"job": job, **item, **sealed_row(connection, item)} for item in items]
        connection.execute(insert_item, sealed)


def sealed_row(connection: sa.Connection, item: dict[str, Any]) -> dict[str, bytes]:
    vault = the_vault()
    person = vault.person("whatsapp", item["phone"])
    row = JobRow(item["phone"], item["variables"]).packed()
    sealed = vault.sealing(connection, [person]).seal(person, row, place=JOB_ITEMS)
    return {"person": person, "sealed": sealed}


def recall(engine: sa.Engine, life: Life) -> None:
    """Let the scheduler have heard that the message was refused since its job was cancelled."""
    statement = sa.text(
        "UPDATE job_items SET state = 'cancelled', error_code = 'UNKNOWN_ERROR',"
        " error_detail = 'the job was cancelled' WHERE message_id = :id"
    )
    with engine.begin() as connection:
        connection.execute(statement, {"id": life.message_id})


def end(engine: sa.Engine, job: str) -> None:
    """Let the scheduler's job be over."""
    statement = sa.text(
        "UPDATE jobs SET status = 'completed', finished_at = :at WHERE job_id = :job"
    )
    with engine.begin() as connection:
        connection.execute(statement, {"job": job, "at": NOON})
