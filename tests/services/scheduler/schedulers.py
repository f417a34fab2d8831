"""Schedulers for tests: each a process of its own, and what can be seen of it on the topics."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Generic, TypeVar

import httpx
import sqlalchemy as sa
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy import wiring
from deploy.processes import Process, python_module
from domain.lifecycle import Status
from runtime.kafka.producer import Producer
from runtime.kafka.sealing import TopicKeys
from schemas.topics.registry import PARTITIONS
from schemas.topics.send_requests import SendRequested
from schemas.topics.status_changes import STATUS_CHANGES
from schemas.topics.task_changes import JobChanged, JobStatus, TaskEvent
from schemas.topics.topic import Topic
from tests.callers import signed_in
from tests.given import NOON, SENDER, a_status_changed
from tests.topic_keys import TOPIC_KEYS

MESSAGES = "/api/v1/im/messages"
JOBS = "/api/v1/jobs"
CANCEL = "/api/whatsapp/cancel-job/"

WINDOW = 200
"""Messages of a job in flight: few, so that a test sees many windows."""

STARTS_WITHIN = timedelta(seconds=30)
ANSWERS_WITHIN = timedelta(seconds=30)
ACKNOWLEDGED_WITHIN = timedelta(seconds=10)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RunningScheduler:
    """A scheduler that answers."""

    process: Process
    client: httpx.AsyncClient
    url: str

    async def send(self, *, key: str | None = None, **body: Any) -> httpx.Response:  # noqa: ANN401 - any field
        """Post one message; fields given lie over those of an ordinary one, None leaves one out."""
        return await self._post(MESSAGES, a_message(**body), key)

    async def create_job(self, *, key: str | None = None, **body: Any) -> httpx.Response:  # noqa: ANN401 - any field
        """Post a job; fields given lie over those of an ordinary one, None leaves one out."""
        return await self._post(JOBS, a_job(**body), key)

    async def cancel(self, job_id: str) -> httpx.Response:
        """Cancel a job."""
        return await self.client.post(CANCEL + job_id)

    async def pause(self, job_id: str) -> httpx.Response:
        """Pause a job."""
        return await self.client.post(f"{JOBS}/{job_id}/pause")

    async def resume(self, job_id: str) -> httpx.Response:
        """Resume a job."""
        return await self.client.post(f"{JOBS}/{job_id}/resume")

    async def metric(self, name: str) -> float:
        """Return the value of a metric without labels."""
        lines = (await self.client.get("/metrics")).text.splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))

    async def _post(self, path: str, body: Mapping[str, Any], key: str | None) -> httpx.Response:
        headers = {} if key is None else {"Idempotency-Key": key}
        return await self.client.post(path, json=body, headers=headers)


def a_message(**what_matters: Any) -> dict[str, Any]:  # noqa: ANN401 - any field
    """Return the body of an ordinary message."""
    body = {"contactId": "ada", "messageType": "text", "content": "Hi Ada"}
    return _present(body | {"recipient": "+16505550001"} | what_matters)


def a_job(**what_matters: Any) -> dict[str, Any]:  # noqa: ANN401 - any field
    """Return the body of a job for one person."""
    body = {
        "name": "Spring",
        "channel": "whatsapp",
        "content": {"type": "text", "body": "Hi {name}"},
        "recipients": [a_recipient(1)],
    }
    return _present(body | what_matters)


def a_recipient(number: int) -> dict[str, Any]:
    """Return one of 9,000 different people."""
    return {"phone": f"+1650555{number + 1_000:04}", "variables": {"name": f"Person {number}"}}


def _present(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value is not None}


async def start_scheduler(
    bootstrap: str, database_url: str, logs: Path, **environment: str
) -> RunningScheduler:
    """Start one on a free port."""
    seat = next(seat for seat in wiring.seats({}) if seat.service == "scheduler")
    settings = {
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "DATABASE_URL": database_url,
        "HTTP_PORT": str(seat.port),
        "WHATSAPP_PHONE_NUMBER_ID": SENDER,
        "JOB_WINDOW": str(WINDOW),
        "MEDIA_STORE_URL": (logs / "media").as_uri(),
    }
    log = logs / f"scheduler-{seat.port}.log"
    process = Process("scheduler", python_module(seat.module), settings | environment, log)
    process.start()
    await asyncio.to_thread(process.wait_ready, seat.url + "/readyz", STARTS_WITHIN)
    timeout = ANSWERS_WITHIN.total_seconds()
    client = httpx.AsyncClient(
        base_url=seat.url, trust_env=False, timeout=timeout, headers=signed_in()
    )
    return RunningScheduler(process, client, seat.url)


async def stop_scheduler(running: RunningScheduler) -> None:
    """End it, whatever state it is in."""
    await running.client.aclose()
    if running.process.is_running():
        await asyncio.to_thread(running.process.terminate)


@dataclass(slots=True)
class Tail(Generic[T]):
    """What came to a topic since the tail was made."""

    topic: Topic[T]
    consumer: AIOKafkaConsumer
    keys: TopicKeys
    records: list[T] = field(default_factory=list[T])

    async def read(self) -> list[T]:
        """Return every record up to the topic's present end, in order per partition."""
        places = list(self.consumer.assignment())
        ends = await self.consumer.end_offsets(places)
        while any([await self.consumer.position(place) < ends[place] for place in places]):
            batches = await self.consumer.getmany(timeout_ms=200)
            self.records += [
                self.keys.decode(self.topic, record)
                for batch in batches.values()
                for record in batch
            ]
        return self.records


async def tail_of(topic: Topic[T], bootstrap: str, keys: TopicKeys = TOPIC_KEYS) -> Tail[T]:
    """Return a tail that begins at the topic's present end; its consumer must be stopped."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, group_id=None, isolation_level="read_committed"
    )
    await consumer.start()
    places = [TopicPartition(topic.name, number) for number in range(PARTITIONS)]
    consumer.assign(places)
    await consumer.seek_to_end(*places)
    for place in places:
        await consumer.position(place)
    return Tail(topic, consumer, keys)


class Projector:
    """Says what became of messages, in the place of the real one."""

    def __init__(self, bootstrap: str) -> None:
        self._producer = Producer(bootstrap, "projector-of-tests", None)
        self._said: set[str] = set()

    async def say_sent(self, requests: Iterable[SendRequested]) -> None:
        """Publish the change of each message, once a message."""
        new = {r.message_id: r for r in requests if r.message_id not in self._said}
        await self.say(new.values(), Status.SENDING, Status.SENT)
        self._said |= new.keys()

    async def say(self, requests: Iterable[SendRequested], before: Status, to: Status) -> None:
        """Publish this change of each message."""
        changes = [
            a_status_changed(
                message_id=request.message_id,
                sequence=2,
                from_status=before,
                to_status=to,
                channel=request.channel,
                job_id=request.job_id,
            )
            for request in requests
        ]
        records = [STATUS_CHANGES.record(change, source="tests", at=NOON) for change in changes]
        await self._producer.publish(records, within=ACKNOWLEDGED_WITHIN)

    async def stop(self) -> None:
        """Close the connection."""
        await self._producer.stop()


async def fed_of(requests: Tail[SendRequested], job_id: str, at_least: int) -> list[SendRequested]:
    """Return the job's records once there are at least as many as expected."""
    records = [request for request in await requests.read() if request.job_id == job_id]
    return records if len(records) >= at_least else []


async def steps_of(changes: Tail[TaskEvent], job_id: str) -> list[JobStatus]:
    """Return the statuses of the job that were announced; each must follow on the one before."""
    of_job = [
        change
        for change in await changes.read()
        if isinstance(change, JobChanged) and change.job_id == job_id
    ]
    steps = [change.to_status for change in of_job]
    assert [change.from_status for change in of_job] == [None, *steps][: len(steps)]
    assert [change.sequence for change in of_job] == list(range(1, len(steps) + 1))
    return steps


def rows_of(engine: sa.Engine, job_id: str) -> list[Any]:
    """Return the rows of a job, in order."""
    with engine.connect() as connection:
        query = "SELECT * FROM job_items WHERE job_id = :job_id ORDER BY row"
        return list(connection.execute(sa.text(query), {"job_id": job_id}))


def states_of(engine: sa.Engine, job_id: str) -> dict[str, int]:
    """Return how many rows of a job are in each state."""
    with engine.connect() as connection:
        query = "SELECT state, count(*) FROM job_items WHERE job_id = :job_id GROUP BY state"
        rows = connection.execute(sa.text(query), {"job_id": job_id})
        return {row[0]: row[1] for row in rows}


def status_of(engine: sa.Engine, job_id: str) -> str:
    """Return the status of a job."""
    with engine.connect() as connection:
        query = "SELECT status FROM jobs WHERE job_id = :job_id"
        return connection.execute(sa.text(query), {"job_id": job_id}).scalar_one()
