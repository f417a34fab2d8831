"""Jobs: stored whole, fed in windows, cancelled, completed (BJ-01…BJ-08, IM-21, IM-23, IM-24)."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import sqlalchemy as sa

from domain.identity import JobId, message_id_for_row
from schemas.topics.contents import ImageContent, words_of
from schemas.topics.send_requests import SendRequested
from schemas.topics.task_changes import TaskEvent
from tests.eventually import eventually, seconds
from tests.services.scheduler.schedulers import (
    JOBS,
    WINDOW,
    Projector,
    RunningScheduler,
    Tail,
    a_job,
    a_recipient,
    fed_of,
    rows_of,
    states_of,
    status_of,
    steps_of,
)

pytestmark = [
    pytest.mark.stack,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.usefixtures("counters_are_right"),
]


async def test_a_row_that_cannot_be_sent_is_skipped_with_its_reason_and_stops_nobody(
    scheduler: RunningScheduler, requests: Tail[SendRequested], database: sa.Engine
) -> None:
    recipients: list[dict[str, Any]] = [
        a_recipient(1),
        {"phone": "nonsense", "variables": {"name": "Bo"}},
        {"phone": "+49 1512 34", "variables": {"name": "Cy"}},
        {"phone": "+15555555555", "variables": {"name": "Di"}},
        {"phone": "+16505550002"},
        {"phone": "+16505550002", "variables": {"name": "x" * 5_000}},
        {"phone": "+16505550002", "variables": {"name": "a\x00b"}},
        {"phone": "", "variables": {}},
        {"phone": "+1 650 555-0003", "variables": {"name": "Ed", "unused": "\\N\t\n\"'"}},
    ]

    created = (await scheduler.create_job(recipients=recipients)).json()

    data = created["data"]
    job_id = JobId(data["jobId"])
    assert created["code"] == 201
    assert data == {"jobId": job_id, "total": 9, "waiting": 3, "skipped": 6}
    await eventually(
        lambda: states_of(database, job_id) == {"fed": 2, "skipped": 7}, within=seconds(10)
    )
    sent = await fed_of(requests, job_id, 2)
    assert [(r.message_id, r.recipient, words_of(r.content)) for r in by_row(sent, job_id)] == [
        (message_id_for_row(job_id, 1), "+16505551001", "Hi Person 1"),
        (message_id_for_row(job_id, 9), "+16505550003", "Hi Ed"),
    ]
    assert [
        (row.row, row.error_code, row.error_detail)
        for row in rows_of(database, job_id)
        if row.state == "skipped"
    ] == [
        (2, "INVALID_RECIPIENT", "not a phone number with its country code"),
        (3, "INVALID_RECIPIENT", "no such phone number"),
        (4, "INVALID_RECIPIENT", "no such phone number"),
        (5, "UNKNOWN_ERROR", "no value for name"),
        (6, "UNKNOWN_ERROR", "body is longer than 4096 characters"),
        (7, "UNKNOWN_ERROR", "a variable contains the NUL character"),
        (8, "INVALID_RECIPIENT", "not a phone number with its country code"),
    ]


async def test_each_person_of_a_job_gets_their_own_picture(
    scheduler: RunningScheduler, requests: Tail[SendRequested]
) -> None:
    content = {"type": "image", "link": "{qrCodeUrl}", "caption": "For {name}"}
    ada = {"name": "Ada", "qrCodeUrl": "https://qr.example/1"}
    bo = {"name": "Bo", "qrCodeUrl": "no address"}
    people = [{"phone": "+16505550001", "variables": one} for one in (ada, bo)]

    created = await scheduler.create_job(
        content=content, recipients=people, priority="high", whenLimited="fail"
    )

    data = created.json()["data"]
    assert (data["waiting"], data["skipped"]) == (1, 1)
    (request,) = await eventually(lambda: fed_of(requests, data["jobId"], 1), within=seconds(10))
    assert request.content == ImageContent(link="https://qr.example/1", caption="For Ada")
    assert (request.priority, request.when_limited) == ("high", "fail")


async def test_a_job_without_a_row_that_can_be_sent_completes(
    scheduler: RunningScheduler, job_changes: Tail[TaskEvent], database: sa.Engine
) -> None:
    created = await scheduler.create_job(recipients=[{"phone": "nobody"}])

    job_id = created.json()["data"]["jobId"]
    await eventually(lambda: status_of(database, job_id) == "completed", within=seconds(10))
    await eventually(
        lambda: announced(job_changes, job_id, "pending", "completed"), within=seconds(10)
    )


async def test_a_job_that_cannot_be_fed_stops_no_other(
    scheduler: RunningScheduler, requests: Tail[SendRequested], database: sa.Engine
) -> None:
    created = await scheduler.create_job(name="broken", recipients=[a_recipient(1)] * 500)
    broken = created.json()["data"]["jobId"]
    with database.begin() as connection:
        spoil = sa.text("UPDATE jobs SET content = '{}' WHERE job_id = :job_id")
        connection.execute(spoil, {"job_id": broken})

    other = await scheduler.create_job()

    job_id = JobId(other.json()["data"]["jobId"])
    await eventually(lambda: fed_of(requests, job_id, 1), within=seconds(20))
    await scheduler.cancel(broken)


async def test_a_job_is_fed_in_windows_until_every_row_is_settled(
    scheduler: RunningScheduler,
    requests: Tail[SendRequested],
    job_changes: Tail[TaskEvent],
    projector: Projector,
    database: sa.Engine,
) -> None:
    created = await scheduler.create_job(recipients=[a_recipient(n) for n in range(2_000)])
    job_id = JobId(created.json()["data"]["jobId"])
    settled = 0

    while settled < 2_000:
        # At least one more: a window is refilled before its last message has ended.
        more = settled + 1
        fed = await eventually(lambda n=more: fed_of(requests, job_id, n), within=seconds(60))
        assert len(fed) <= settled + WINDOW
        await projector.say_sent(fed)
        settled = len(fed)

    await eventually(lambda: status_of(database, job_id) == "completed", within=seconds(10))
    assert states_of(database, job_id) == {"settled": 2_000}
    assert {r.message_id for r in requests.records if r.job_id == job_id} == {
        message_id_for_row(job_id, row) for row in range(1, 2_001)
    }
    await eventually(
        lambda: announced(job_changes, job_id, "pending", "running", "completed"),
        within=seconds(10),
    )


async def test_a_big_job_does_not_hold_up_a_small_one(
    scheduler: RunningScheduler, requests: Tail[SendRequested]
) -> None:
    big = await scheduler.create_job(recipients=[a_recipient(n) for n in range(5_000)])
    small = await scheduler.create_job()

    job_id = JobId(small.json()["data"]["jobId"])
    await eventually(lambda: fed_of(requests, job_id, 1), within=seconds(10))
    await scheduler.cancel(big.json()["data"]["jobId"])


async def test_a_cancel_stops_what_is_not_in_the_stream_and_lets_the_rest_end(
    scheduler: RunningScheduler,
    requests: Tail[SendRequested],
    job_changes: Tail[TaskEvent],
    projector: Projector,
    database: sa.Engine,
) -> None:
    created = await scheduler.create_job(recipients=[a_recipient(n) for n in range(1_000)])
    job_id = JobId(created.json()["data"]["jobId"])
    fed = await eventually(lambda: fed_of(requests, job_id, WINDOW), within=seconds(10))

    answer = await scheduler.cancel(job_id)
    again = await scheduler.cancel(job_id)
    await projector.say_sent(fed)
    later = await scheduler.create_job()

    assert answer.json() == {
        "success": True,
        "message": "Job cancelled, 800 messages were not sent",
    }
    assert again.json() == {"success": False, "message": "Job was already cancelled"}
    await eventually(
        lambda: states_of(database, job_id) == {"settled": 200, "cancelled": 800},
        within=seconds(20),
    )
    later_id = JobId(later.json()["data"]["jobId"])
    await eventually(lambda: fed_of(requests, later_id, 1), within=seconds(10))
    assert len([r for r in requests.records if r.job_id == job_id]) == WINDOW
    await eventually(
        lambda: announced(job_changes, job_id, "pending", "running", "cancelled"),
        within=seconds(10),
    )


async def test_a_finished_job_cannot_be_cancelled(
    scheduler: RunningScheduler, database: sa.Engine
) -> None:
    created = await scheduler.create_job(recipients=[{"phone": "nobody"}])
    job_id = created.json()["data"]["jobId"]
    await eventually(lambda: status_of(database, job_id) == "completed", within=seconds(10))

    answer = await scheduler.cancel(job_id)

    assert (answer.status_code, answer.json()) == (
        200,
        {"success": False, "message": "Job has already completed"},
    )


@pytest.mark.parametrize("job_id", ["0f3cbf0a-0000-4000-8000-000000000000", "no-job", "%00"])
async def test_an_unknown_job_cannot_be_cancelled(scheduler: RunningScheduler, job_id: str) -> None:
    answer = await scheduler.cancel(job_id)

    assert (answer.status_code, answer.json()) == (
        404,
        {"success": False, "message": "Job not found"},
    )


async def test_a_key_repeated_is_one_job(scheduler: RunningScheduler, database: sa.Engine) -> None:
    first = await scheduler.create_job(key="spring", name="Spring")
    again = await scheduler.create_job(key="spring", name="Spring")
    other = await scheduler.create_job(key="spring", name="Summer")

    assert again.json() == first.json()
    assert other.status_code == 409
    with database.connect() as connection:
        query = sa.text("SELECT count(*) FROM jobs WHERE name = 'Summer'")
        assert connection.execute(query).scalar_one() == 0


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("name", {"name": None}),
    ("name", {"name": ""}),
    ("name", {"name": "x" * 101}),
    ("name", {"name": "a\x00b"}),
    ("channel", {"channel": "pigeon"}),
    ("content", {"content": None}),
    ("content.type", {"content": {"body": "Hi"}}),
    ("content.type", {"content": {"type": "dance"}}),
    ("content", {"content": "Hi"}),
    ("content", {"content": {"type": "image"}}),
    ("content.link", {"content": {"type": "image", "link": "example.com/{name}"}}),
    ("content.colour", {"content": {"type": "text", "body": "Hi", "colour": "red"}}),
    ("content.body", {"content": {"type": "text", "body": ""}}),
    ("content.body", {"content": {"type": "text", "body": "\x00"}}),
    ("recipients", {"recipients": None}),
    ("recipients", {"recipients": []}),
    ("recipients[1].phone", {"recipients": [a_recipient(1), {"phone": 5}]}),
    ("recipients[0].phone", {"recipients": [{}]}),
    ("recipients[0].colour", {"recipients": [{"phone": "1", "colour": "red"}]}),
    ("recipients[0].variables[...]", {"recipients": [{"phone": "1", "variables": {"a": 1}}]}),
    ("senderId", {"senderId": ""}),
    ("tenantId", {"tenantId": "x" * 101}),
    ("tenantId", {"tenantId": "a\x00b"}),
    ("priority", {"priority": "urgent"}),
    ("whenLimited", {"whenLimited": "hurry"}),
    ("expiresAt", {"expiresAt": "2020-01-01T00:00:00Z"}),
    ("expiresAt", {"expiresAt": "2999-01-01T00:00:00Z"}),
    ("expiresAt", {"expiresAt": "tomorrow"}),
    ("colour", {"colour": "red"}),
]


@pytest.mark.parametrize(("field", "body"), WRONG)
async def test_what_is_wrong_with_a_job_is_named(
    scheduler: RunningScheduler, field: str, body: dict[str, Any]
) -> None:
    answer = await scheduler.client.post(JOBS, json=a_job(**body))

    envelope = answer.json()
    assert answer.status_code == 400
    assert (envelope["code"], envelope["data"]) == (400, {"field": field})


async def test_a_job_may_expire_at_an_offset_that_postgresql_does_not_know(
    scheduler: RunningScheduler,
) -> None:
    far_east = timezone(timedelta(hours=18, minutes=35))
    soon = datetime.now(far_east) + timedelta(hours=1)

    answer = await scheduler.create_job(expiresAt=soon.isoformat())

    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"\xff", b"[" * 100_000, b'{"name": "\\ud800"}']
)
async def test_what_is_no_job_is_refused(scheduler: RunningScheduler, body: bytes) -> None:
    answer = await scheduler.client.post(JOBS, content=body)

    assert answer.status_code == 400
    assert answer.json()["data"] == {"field": "body"}


async def announced(changes: Tail[TaskEvent], job_id: str, *expected: str) -> bool:
    """Tell whether exactly these statuses of the job were announced."""
    return await steps_of(changes, job_id) == list(expected)


def by_row(requests: list[SendRequested], job_id: JobId) -> list[SendRequested]:
    """Return the records in the order of their rows; partitions have none between them."""
    rows: dict[str, int] = {message_id_for_row(job_id, row): row for row in range(1, 100)}
    return sorted((r for r in requests if r.job_id == job_id), key=lambda r: rows[r.message_id])
