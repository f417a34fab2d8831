"""A statistics process for tests, what it is fed with, and what it answers."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import httpx
from aiokafka import AIOKafkaProducer

from deploy import wiring
from deploy.processes import Process, python_module
from domain.lifecycle import Status
from runtime import clock
from schemas.topics.status_changes import STATUS_CHANGES, StatusChanged
from tests import given
from tests.callers import signed_in
from tests.eventually import eventually, seconds

LIVE = "/api/v1/statistics/live"
NO_DATABASE = "postgresql+psycopg2://127.0.0.1:1/nothing"
"""Counting needs none."""
STARTS_WITHIN = timedelta(seconds=60)
WHOLE_LIFE = (Status.PENDING, Status.SENDING, Status.SENT, Status.DELIVERED, Status.READ)


@dataclass(frozen=True, slots=True)
class RunningStatistics:
    """A statistics process that has recovered."""

    process: Process
    client: httpx.AsyncClient

    async def ask(self, **question: str) -> httpx.Response:
        """Ask for live statistics."""
        return await self.client.get(LIVE, params=question)

    async def rows(self, **question: str) -> list[dict[str, Any]]:
        """Return the rows of an answer that must be one."""
        answer = await self.ask(**question)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    async def job(self, job_id: str) -> dict[str, int]:
        """Return how many messages of a job ever reached what; nothing while there are none."""
        rows = await self.rows(window="total", by="job", id=job_id)
        return rows[0]["counts"] if rows else {}

    def wait_ready(self) -> None:
        """Return when it has read its entries back."""
        self.process.wait_ready(str(self.client.base_url.join("/readyz")), STARTS_WITHIN)


@asynccontextmanager
async def a_statistics_process(
    bootstrap: str, logs: Path, database_url: str = NO_DATABASE
) -> AsyncGenerator[RunningStatistics]:
    """Run one on a free port until the block ends."""
    seat = wiring.first(wiring.seats({}), "statistics")
    assert seat is not None
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "DATABASE_URL": database_url,
        "HTTP_PORT": str(seat.port),
        "STATISTICS_DATA_DIR": str(logs / "data"),
    }
    process = Process(seat.name, python_module(seat.module), environment, logs / "statistics.log")
    process.start()
    try:
        async with httpx.AsyncClient(
            base_url=seat.url, trust_env=False, timeout=30, headers=signed_in()
        ) as client:
            running = RunningStatistics(process, client)
            await asyncio.to_thread(running.wait_ready)
            yield running
    finally:
        if process.is_running():
            await asyncio.to_thread(process.terminate)


class Projector:
    """Publishes changes as the projector does: each batch in a transaction."""

    def __init__(self, bootstrap: str) -> None:
        self._producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap,
            transactional_id=f"tests-statistics-{uuid4().hex}",
            enable_idempotence=True,
        )

    async def __aenter__(self) -> Self:
        await self._producer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._producer.stop()

    async def publish(self, changes: Iterable[StatusChanged]) -> None:
        """Publish and commit."""
        await self._producer.begin_transaction()
        await self._send(changes)
        await self._producer.commit_transaction()

    async def publish_in_vain(self, changes: Iterable[StatusChanged]) -> None:
        """Publish, and abort the transaction."""
        await self._producer.begin_transaction()
        await self._send(changes)
        await self._producer.flush()
        await self._producer.abort_transaction()

    async def publish_bytes(self, value: bytes) -> None:
        """Publish what may be no change at all."""
        await self._producer.begin_transaction()
        await self._producer.send(STATUS_CHANGES.name, value=value, key=b"whoever")
        await self._producer.commit_transaction()

    async def _send(self, changes: Iterable[StatusChanged]) -> None:
        for change in changes:
            record = STATUS_CHANGES.record(change, source="/tests", at=change.recorded_at)
            await self._producer.send(
                record.topic, value=record.value, key=record.key, headers=list(record.headers)
            )


def read_messages(count: int, **what_matters: Any) -> list[StatusChanged]:  # noqa: ANN401 - any field of the record
    """Return the four changes of so many messages, recorded now."""
    steps = list(pairwise(WHOLE_LIFE))
    now = clock.now()
    return [
        given.a_status_changed(
            **{
                "message_id": message_id,
                "sequence": sequence,
                "from_status": before,
                "to_status": after,
                "sent_at": now,
                "recorded_at": now,
                "updated_at": now + timedelta(seconds=sequence),
            }
            | what_matters
        )
        for message_id in (given.a_message_id() for _ in range(count))
        for sequence, (before, after) in enumerate(steps, start=1)
    ]


def everything_read(count: int) -> dict[str, int]:
    """Return the counts of so many messages that were all read."""
    levels = ("sending", "sent", "delivered", "read")
    return {**dict.fromkeys(levels, count), "failed": 0}


async def eventually_counts(running: RunningStatistics, job_id: str, read: int) -> None:
    """Wait until the job's messages are all counted as read, and none more."""

    async def agrees() -> bool:
        try:
            assert await running.job(job_id) == everything_read(read)
        except httpx.TransportError:  # the process has just become another one
            return False
        return True

    await eventually(agrees, within=seconds(40))


def sums(rows: Sequence[dict[str, Any]]) -> Counter[str]:
    """Return the counts of all rows together."""
    total: Counter[str] = Counter()
    for row in rows:
        total.update(row["counts"])
    return total
