"""What people are told of jobs and of their recipients (BJ-03, BJ-05, BJ-07, CF-20, IM-24)."""

from typing import Any
from uuid import uuid4

import httpx
import pytest
import sqlalchemy as sa

from domain.lifecycle import Status
from runtime.auth import Permission
from schemas.topics.send_requests import SendRequested
from schemas.topics.status_changes import StatusChanged
from tests.callers import of_tenant, signed_in
from tests.eventually import eventually
from tests.given import NOON, a_status_changed
from tests.services.status_projector.facts import Life
from tests.services.status_projector.projectors import SOON, RunningProjector, Writer
from tests.services.status_projector.scheduled import REFUSED, ScheduledJob, phone
from tests.vaults import the_vault

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

NOT_FOUND = {"success": False, "message": "Job not found"}


async def test_a_job_tells_how_far_it_is_and_after_its_end_who_was_not_reached(
    running: RunningProjector, writer: Writer, engine: sa.Engine
) -> None:
    job = ScheduledJob(engine, [phone(1), phone(2), phone(3), REFUSED, phone(5), phone(6)])
    sent, rejected, read, waiting = await fed(job, writer, at_most=4)
    await writer.write([sent.started(), rejected.started(), read.started(), waiting.started()])
    await writer.write([sent.accepted(), rejected.rejected()])
    await writer.write([read.accepted(), read.reported("read", 9)])
    await counts_are(running, job, sent=1, failed=1, read=1, sending=1, pending=1, skipped=1)

    during = await progress_of(running, job)
    job.cancel()
    after = await progress_of(running, job)

    assert (during["total"], during["processed"]) == (6, 4)
    assert (during["successCount"], during["failedCount"], during["percent"]) == (2, 2, 66.7)
    assert (during["status"], during["failures"]) == ("running", [])
    assert after["status"] == "cancelled"
    assert after["counts"]["cancelled"] == 1
    assert after["estimatedRemainingSeconds"] == 0
    assert after["failures"] == [
        {
            "workerId": "2",
            "name": "Person 2",
            "phone": phone(2),
            "error": "Recipient phone number is invalid.",
        },
        {
            "workerId": "4",
            "name": "",
            "phone": REFUSED,
            "error": "not a phone number with its country code",
        },
    ]


async def test_what_was_refused_because_its_job_was_cancelled_counts_as_cancelled_only(
    running: RunningProjector, writer: Writer, engine: sa.Engine
) -> None:
    job = ScheduledJob(engine, [phone(1), phone(2), REFUSED])
    (recalled,) = await fed(job, writer, at_most=1)
    job.cancel()
    await writer.write([recalled.rejected()])
    await counts_are(running, job, failed=1, cancelled=1, skipped=1)

    job.hear([never_sent(recalled, job)])

    await counts_are(running, job, cancelled=2, skipped=1)
    states = [row["state"] for row in (await results_of(running, job))["items"]]
    assert states == ["cancelled", "cancelled", "skipped"]


async def test_how_long_it_takes_is_unknown_at_the_start_and_while_it_is_paused(
    running: RunningProjector, engine: sa.Engine
) -> None:
    job = ScheduledJob(engine, [phone(1), phone(2)])
    at_first = await progress_of(running, job)
    job.pause()

    paused = await progress_of(running, job)

    assert at_first["estimatedRemainingSeconds"] is None
    assert at_first["perSecond"] is None
    assert paused["estimatedRemainingSeconds"] is None
    assert (paused["status"], paused["pausedReason"]) == ("paused", "paused by hand")


async def test_how_long_it_takes_follows_from_what_ended_of_late(
    running: RunningProjector, engine: sa.Engine
) -> None:
    job = ScheduledJob(engine, [phone(number) for number in range(1, 101)])
    job.feed()
    measured = sa.text(
        "INSERT INTO job_progress (job_id, pending, sent, updated_at, recent, recent_since,"
        " recent_at) VALUES (:id, 50, 50, now(), 30 * 5, now() - INTERVAL '1 hour', now())"
    )
    with engine.begin() as connection:
        connection.execute(measured, {"id": job.id})

    progress = await progress_of(running, job)

    # It fades while we look.
    assert 3 < progress["perSecond"] <= 5
    assert 10 <= progress["estimatedRemainingSeconds"] < 17


@pytest.mark.parametrize("job", ["nobody", "%00"])
@pytest.mark.parametrize(
    "path",
    [
        "/api/whatsapp/job-progress/{}",
        "/api/v1/jobs/{}",
        "/api/v1/jobs/{}/results",
        "/api/v1/jobs/{}/results/export",
        "/api/v1/jobs/{}/history",
    ],
)
async def test_an_unknown_job_is_not_found(running: RunningProjector, path: str, job: str) -> None:
    answer = await running.client.get(path.format(job))

    assert (answer.status_code, answer.json()) == (404, NOT_FOUND)


async def test_another_tenants_job_does_not_exist(
    running: RunningProjector, engine: sa.Engine
) -> None:
    ours, theirs = tenants()
    job = ScheduledJob(engine, [phone(1)], tenant_id=ours)
    mine, others = signed_in(of_tenant(ours)), signed_in(of_tenant(theirs))

    found = await running.client.get(f"/api/v1/jobs/{job.id}", headers=mine)
    hidden = await running.client.get(f"/api/v1/jobs/{job.id}", headers=others)

    assert found.json()["job"]["jobId"] == job.id
    assert (hidden.status_code, hidden.json()) == (404, NOT_FOUND)
    assert await listed(running, mine) == [job.id]
    assert await listed(running, others) == []


async def test_who_may_not_see_jobs_is_told_so(running: RunningProjector) -> None:
    caller = signed_in(of_tenant("acme", Permission.MESSAGES_VIEW))

    forbidden = await running.client.get("/api/v1/jobs", headers=caller)
    unknown = await running.client.get("/api/v1/jobs", headers={"Authorization": "Bearer x"})

    assert (forbidden.status_code, forbidden.json()["code"]) == (403, 403)
    assert (unknown.status_code, unknown.json()["code"]) == (401, 401)


async def test_the_list_goes_on_where_a_page_ended_whatever_comes_in_meanwhile(
    running: RunningProjector, engine: sa.Engine
) -> None:
    tenant, _ = tenants()
    made = [ScheduledJob(engine, [phone(1)], tenant_id=tenant).id for _ in range(5)]
    mine = signed_in(of_tenant(tenant))

    first = await page(running, mine, limit=2)
    ScheduledJob(engine, [phone(1)], tenant_id=tenant)
    second = await page(running, mine, limit=2, cursor=first["nextCursor"])
    third = await page(running, mine, limit=2, cursor=second["nextCursor"])

    pages = [[job["jobId"] for job in one["items"]] for one in (first, second, third)]
    assert pages == [[made[4], made[3]], [made[2], made[1]], [made[0]]]
    assert third["nextCursor"] is None
    assert first["items"][0]["name"] == "Spring"
    assert first["items"][0]["progress"]["total"] == 1


async def test_jobs_are_found_by_status_and_time(
    running: RunningProjector, engine: sa.Engine
) -> None:
    tenant, _ = tenants()
    first, second = (ScheduledJob(engine, [phone(1)], tenant_id=tenant) for _ in range(2))
    first.cancel()
    mine = signed_in(of_tenant(tenant))

    assert await listed(running, mine, status="cancelled") == [first.id]
    assert await listed(running, mine, order="asc") == [first.id, second.id]
    assert await listed(running, mine, to=NOON.isoformat()) == []
    since = {"from": NOON.isoformat(), "status": "pending"}
    assert await listed(running, mine, **since) == [second.id]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"status": "asleep"}, "status"),
        ({"from": "yesterday"}, "from"),
        ({"to": "2026-03-02T12:00:00"}, "to"),
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"cursor": "%%%"}, "cursor"),
        ({"colour": "red"}, "colour"),
        ({"sort": "name"}, "sort"),
    ],
)
async def test_a_wrong_filter_is_named(
    running: RunningProjector, wrong: dict[str, str], field: str
) -> None:
    answer = await running.client.get("/api/v1/jobs", params=wrong)

    assert (answer.status_code, answer.json()["data"]) == (400, {"field": field})


async def test_each_recipient_has_a_result_with_its_reason(
    running: RunningProjector, writer: Writer, engine: sa.Engine
) -> None:
    job = ScheduledJob(engine, [phone(1), REFUSED, phone(2), phone(3)])
    sent, rejected = await fed(job, writer, at_most=2)
    await writer.write([sent.started(), sent.accepted(), rejected.started(), rejected.rejected()])
    await counts_are(running, job, sent=1, failed=1, skipped=1, pending=1)

    everybody = await results_of(running, job)
    first_two = await results_of(running, job, limit=2)
    others = await results_of(running, job, limit=2, cursor=first_two["nextCursor"])
    unreached = await results_of(running, job, state=["failed", "skipped"])

    rows = everybody["items"]
    assert [row["state"] for row in rows] == ["sent", "skipped", "failed", "pending"]
    assert [row["recipient"] for row in rows] == [phone(1), REFUSED, phone(2), phone(3)]
    assert rows[2]["error"] == "Recipient phone number is invalid."
    assert rows[2]["errorCode"] == "INVALID_RECIPIENT"
    assert rows[2]["failedAt"] == "2026-03-02T12:00:02.000Z"
    assert [*first_two["items"], *others["items"]] == rows
    assert others["nextCursor"] is None
    assert [row["row"] for row in unreached["items"]] == [2, 3]


async def test_who_was_erased_has_a_result_without_a_name(
    running: RunningProjector, engine: sa.Engine
) -> None:
    job = ScheduledJob(engine, [phone(8_001)])
    person = the_vault().person("whatsapp", phone(8_001))
    with engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM person_keys WHERE person = :p"), {"p": person})

    (row,) = (await results_of(running, job))["items"]

    assert (row["recipient"], row["name"], row["state"]) == (None, None, "pending")


async def test_results_come_as_a_file_that_runs_nothing(
    running: RunningProjector, engine: sa.Engine
) -> None:
    job = ScheduledJob(engine, [phone(1), "=HYPERLINK(1)"])

    answer = await running.client.get(f"/api/v1/jobs/{job.id}/results/export?state=skipped")

    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.content.startswith(b"\xef\xbb\xbf")
    heading, line = answer.content.decode("utf-8-sig").splitlines()
    assert heading.startswith("row,messageId,recipient,name,state,errorCode,error")
    assert line.split(",")[2:5] == ["'=HYPERLINK(1)", "", "skipped"]


def never_sent(life: Life, job: ScheduledJob) -> StatusChanged:
    return a_status_changed(
        message_id=life.message_id,
        job_id=job.id,
        from_status=Status.PENDING,
        to_status=Status.FAILED,
    )


async def fed(job: ScheduledJob, writer: Writer, *, at_most: int) -> list[Life]:
    """Feed rows and publish their requests."""
    requests: list[SendRequested] = job.feed(at_most)
    await writer.write(requests)
    return [Life(request.message_id) for request in requests]


async def progress_of(running: RunningProjector, job: ScheduledJob) -> dict[str, Any]:
    answer = await running.client.get(f"/api/whatsapp/job-progress/{job.id}")
    assert answer.json()["success"] is True
    return answer.json()["progress"]


async def counts_are(running: RunningProjector, job: ScheduledJob, **expected: int) -> None:
    async def are() -> bool:
        counts = (await progress_of(running, job))["counts"]
        assert {name: count for name, count in counts.items() if count} == expected
        return True

    await eventually(are, within=SOON)


async def results_of(running: RunningProjector, job: ScheduledJob, **query: Any) -> dict[str, Any]:  # noqa: ANN401 - any parameter
    answer = await running.client.get(f"/api/v1/jobs/{job.id}/results", params=query)
    assert answer.json()["success"] is True
    return answer.json()


async def page(running: RunningProjector, caller: dict[str, str], **query: Any) -> dict[str, Any]:  # noqa: ANN401 - any parameter
    answer: httpx.Response = await running.client.get("/api/v1/jobs", params=query, headers=caller)
    assert answer.status_code == 200
    return answer.json()["data"]


async def listed(running: RunningProjector, caller: dict[str, str], **query: Any) -> list[str]:  # noqa: ANN401 - any parameter
    return [job["jobId"] for job in (await page(running, caller, **query))["items"]]


def tenants() -> tuple[str, str]:
    return f"acme-{uuid4()}", f"other-{uuid4()}"
