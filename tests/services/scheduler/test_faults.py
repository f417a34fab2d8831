"""What holds while the scheduler, the broker or the database dies (IM-02; peers R2, R3, R8)."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Generator

import httpx
import pytest
import sqlalchemy as sa

from deploy.stack import Stack
from domain.identity import JobId, message_id_for_row
from schemas.topics.send_requests import SendRequested
from tests.eventually import eventually, seconds
from tests.services.scheduler.conftest import StartScheduler
from tests.services.scheduler.schedulers import (
    STARTS_WITHIN,
    WINDOW,
    Projector,
    RunningScheduler,
    Tail,
    a_recipient,
    states_of,
    status_of,
)

pytestmark = [
    pytest.mark.stack,
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="module"),
]

AWAY = {
    "code": 503,
    "message": "Service temporarily unavailable, please try again",
    "data": None,
}
BACK_WITHIN = seconds(40)

ROWS = 2_000


@pytest.fixture(autouse=True)
def servers_live_on(stack: Stack, kafka_bootstrap: str) -> Generator[None]:
    """Leave the others of this session the servers as they were found."""
    assert kafka_bootstrap
    yield
    stack.kafka.resume()
    stack.kafka.start()
    stack.postgres.start()


async def timed(call: Awaitable[httpx.Response]) -> tuple[httpx.Response, float]:
    """Return the answer and the seconds it took."""
    began = time.monotonic()
    return await call, time.monotonic() - began


async def accepted(call: Awaitable[httpx.Response]) -> bool:
    """Tell whether the call was answered with 201."""
    return (await call).status_code == 201


async def test_without_a_broker_sends_get_503_within_a_second_and_its_return_is_enough(
    a_scheduler: StartScheduler, stack: Stack, requests: Tail[SendRequested]
) -> None:
    scheduler = await a_scheduler()
    process = scheduler.process.pid
    assert await accepted(scheduler.send())

    stack.kafka.suspend()
    answers = await asyncio.gather(
        *(timed(scheduler.send(key=f"during-{number}")) for number in range(20))
    )
    ready = await scheduler.client.get("/readyz")
    stack.kafka.resume()

    assert [answer.json() for answer, _ in answers] == [AWAY] * len(answers)
    assert max(took for _, took in answers) < 1
    assert ready.status_code == 503
    await eventually(lambda: accepted(scheduler.send(key="during-0")), within=BACK_WITHIN)
    again = await scheduler.send(key="during-0")
    assert scheduler.process.pid == process
    ids = {request.message_id for request in await requests.read()}
    assert again.json()["data"]["messageId"] in ids


async def test_a_job_is_accepted_without_a_broker_and_fed_when_it_is_back(
    a_scheduler: StartScheduler, stack: Stack, requests: Tail[SendRequested]
) -> None:
    scheduler = await a_scheduler()

    stack.kafka.suspend()
    created = await scheduler.create_job()
    stack.kafka.resume()

    job_id = created.json()["data"]["jobId"]

    async def fed() -> bool:
        return job_id in {request.job_id for request in await requests.read()}

    await eventually(fed, within=BACK_WITHIN)


async def test_without_a_database_sends_get_503_and_its_return_is_enough(
    a_scheduler: StartScheduler, stack: Stack
) -> None:
    scheduler = await a_scheduler()
    process = scheduler.process.pid

    await asyncio.to_thread(stack.postgres.kill)
    answer, took = await timed(scheduler.send(key="no-database"))
    ready = await scheduler.client.get("/readyz")
    await asyncio.to_thread(stack.postgres.start)

    assert answer.json() == AWAY
    assert took < 1
    assert ready.status_code == 503
    await eventually(lambda: accepted(scheduler.send(key="no-database")), within=BACK_WITHIN)
    assert scheduler.process.pid == process


async def test_a_job_survives_kill_9_and_every_row_keeps_its_one_message_id(
    a_scheduler: StartScheduler,
    requests: Tail[SendRequested],
    projector: Projector,
    database: sa.Engine,
) -> None:
    scheduler = await a_scheduler()
    bad = {"phone": "+1 650 555", "variables": {"name": "Bo"}}
    recipients = [a_recipient(number) for number in range(ROWS)] + [bad]
    created = await scheduler.create_job(recipients=recipients)
    job_id = JobId(created.json()["data"]["jobId"])

    async def completed() -> bool:
        of_job = [request for request in await requests.read() if request.job_id == job_id]
        await projector.say_sent(of_job)
        return status_of(database, job_id) == "completed"

    for share in (0.2, 0.5, 0.8):
        await eventually(lambda s=share: seen(requests, projector, job_id, s), within=BACK_WITHIN)
        await kill_and_start(scheduler)
    await eventually(completed, within=BACK_WITHIN)

    assert states_of(database, job_id) == {"settled": ROWS, "skipped": 1}
    of_job = Counter(r.message_id for r in await requests.read() if r.job_id == job_id)
    assert set(of_job) == {message_id_for_row(job_id, row) for row in range(1, ROWS + 1)}
    # What is there twice is the one window that was published and not committed at each kill.
    assert sum(of_job.values()) - ROWS <= 3 * WINDOW


async def test_rows_whose_feeding_died_after_the_publish_are_settled_by_their_messages(
    a_scheduler: StartScheduler,
    requests: Tail[SendRequested],
    projector: Projector,
    database: sa.Engine,
) -> None:
    scheduler = await a_scheduler()
    created = await scheduler.create_job(recipients=[a_recipient(number) for number in range(3)])
    job_id = JobId(created.json()["data"]["jobId"])
    await eventually(lambda: states_of(database, job_id) == {"fed": 3}, within=BACK_WITHIN)
    scheduler.process.kill()
    with database.begin() as connection:
        as_if_not_committed = "UPDATE job_items SET state = 'waiting' WHERE job_id = :job_id"
        connection.execute(sa.text(as_if_not_committed), {"job_id": job_id})
    await projector.say_sent(await requests.read())

    scheduler.process.start()

    await eventually(lambda: status_of(database, job_id) == "completed", within=BACK_WITHIN)
    assert states_of(database, job_id) == {"settled": 3}
    of_job = {request.message_id for request in await requests.read() if request.job_id == job_id}
    assert of_job == {message_id_for_row(job_id, row) for row in (1, 2, 3)}


async def seen(
    requests: Tail[SendRequested], projector: Projector, job_id: JobId, share: float
) -> bool:
    """Tell whether that share of the job was published, answering all that was."""
    of_job = [request for request in await requests.read() if request.job_id == job_id]
    await projector.say_sent(of_job)
    return len(of_job) >= share * ROWS


async def kill_and_start(scheduler: RunningScheduler) -> None:
    """Kill -9, and start again."""
    scheduler.process.kill()
    scheduler.process.start()
    ready = scheduler.url + "/readyz"
    await asyncio.to_thread(scheduler.process.wait_ready, ready, STARTS_WITHIN)
