"""What failed of a job is sent again, each once, and nothing else is (BJ-07)."""

from typing import Any

import pytest
import sqlalchemy as sa

from schemas.topics.send_requests import SendRequested
from tests.callers import of_tenant, signed_in
from tests.services.scheduler.schedulers import RunningScheduler, Tail
from tests.services.status_projector.facts import Life, Projector
from tests.services.status_projector.scheduled import REFUSED, ScheduledJob, phone

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

_END = """
    WITH rows AS (
        UPDATE job_items SET state = CASE
            WHEN message_id = ANY(:failed) THEN 'failed'
            WHEN state = 'skipped' THEN 'skipped' ELSE 'settled' END
        WHERE job_id = :job
    )
    UPDATE jobs SET status = 'completed', finished_at = now() WHERE job_id = :job
"""


def ended(database: sa.Engine, *, failures: int) -> tuple[ScheduledJob, list[str]]:
    """Return a job that has ended: one message arrived, these failed, one row was never sent.

    It is ended by hand, since the scheduler that is asked may have begun to feed it.
    """
    phones = [*(phone(number) for number in range(failures + 1)), REFUSED]
    job, projector = ScheduledJob(database, phones, tenant_id="acme"), Projector(database)
    query = "SELECT message_id FROM job_items WHERE job_id = :job ORDER BY row LIMIT :sent"
    with database.begin() as connection:
        values = {"job": job.id, "sent": failures + 1}
        sent, *failed = connection.execute(sa.text(query), values).scalars()
        connection.execute(sa.text(_END), {"job": job.id, "failed": failed})
    for message_id in (sent, *failed):
        life = Life(message_id)
        end = life.rejected() if message_id in failed else life.accepted()
        request = life.request(job_id=job.id, tenant_id="acme")
        projector.apply([projector.heard(one) for one in (request, life.started(), end)])
    return job, failed


async def retry(scheduler: RunningScheduler, job: ScheduledJob, **headers: str) -> Any:  # noqa: ANN401 - any answer
    return await scheduler.client.post(f"/api/v1/jobs/{job.id}/retry", headers=headers)


async def test_each_failed_message_is_sent_again_once(
    scheduler: RunningScheduler, requests: Tail[SendRequested], database: sa.Engine
) -> None:
    job, failed = ended(database, failures=3)

    first, second = await retry(scheduler, job), await retry(scheduler, job)

    assert first.json() == {
        "success": True,
        "message": "3 messages are sent again",
        "retried": 3,
        "more": False,
    }
    assert second.json()["retried"] == 0
    sent = [one for one in await requests.read() if one.original_message_id is not None]
    assert {one.original_message_id for one in sent} == set(failed)
    assert len(sent) == 3
    assert {(one.job_id, one.priority) for one in sent} == {(None, "medium")}
    query = "SELECT changes FROM audit_log WHERE action = 'job.retry' AND about = :job"
    with database.connect() as connection:
        noted = connection.execute(sa.text(query), {"job": job.id}).scalars().all()
    assert noted == [{"retried": [None, 3]}]


async def test_a_job_under_way_and_another_tenants_are_left_alone(
    scheduler: RunningScheduler, database: sa.Engine
) -> None:
    under_way = ScheduledJob(database, [phone(1)], tenant_id="acme")
    job, _ = ended(database, failures=1)

    waits = await retry(scheduler, under_way)
    theirs = await retry(scheduler, job, **signed_in(of_tenant("other")))

    assert waits.json()["success"] is False
    assert theirs.status_code == 404
