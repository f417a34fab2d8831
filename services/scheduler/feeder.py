"""Feeds the rows of jobs to the stream, a bounded window at a time (architecture, promise 7).

Each unfinished job gets one step a sweep, so a big job does not hold up a small one. A step holds
the job's row, publishes inside its transaction and marks the rows fed: a crash in between publishes
the same message ids again, and a cancel waits for the step's end, a few milliseconds.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec
import sqlalchemy as sa

from domain.identity import JobId
from domain.pacing import Window, places
from runtime.clock import Clock
from runtime.errors import TryAgainLater
from runtime.kafka.producer import Producer
from runtime.postgres import in_thread
from schemas.topics.contents import TextContent
from schemas.topics.send_requests import SEND_REQUESTS, SendRequested
from services.scheduler.held import Publish, held
from services.scheduler.intake import SOURCE
from services.scheduler.metrics import JOBS_UNFINISHED, ROWS_FED, ROWS_SKIPPED
from services.scheduler.screening import compose
from services.scheduler.store import jobs, rows
from services.scheduler.store.jobs import Job, Unfinished
from services.scheduler.store.rows import Refusal, WaitingRow

log = logging.getLogger(__name__)

SWEEP_EVERY: Final = timedelta(milliseconds=200)
"""How late a job is noticed whose scheduler died; our own are noticed at once."""


class Feeder:
    """Keeps the window of every unfinished job filled."""

    def __init__(
        self, engine: sa.Engine, producer: Producer, *, window: Window, clock: Clock
    ) -> None:
        self._engine = engine
        self._producer = producer
        self._window = window
        self._clock = clock
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Sweep now: a job is new or has freed places."""
        self._woken.set()

    async def run(self) -> None:
        """Sweep until cancelled. Raises `TryAgainLater` when database or broker is away."""
        while True:
            self._woken.clear()
            await self._sweep()
            with suppress(TimeoutError):
                async with asyncio.timeout(SWEEP_EVERY.total_seconds()):
                    await self._woken.wait()

    async def _sweep(self) -> None:
        unfinished = await in_thread(self._engine, jobs.unfinished)
        JOBS_UNFINISHED.set(len(unfinished))
        failed: list[Exception] = []
        for job in unfinished:
            if _needs_a_step(self._window, job):
                try:
                    await self._step(job.job_id)
                except TryAgainLater:
                    raise
                except Exception as error:  # noqa: BLE001 - raised below: the others come first
                    failed.append(error)
        if failed:
            raise ExceptionGroup("jobs could not be fed", failed)

    async def _step(self, job_id: JobId) -> None:
        done = await held(
            self._engine,
            self._producer,
            lambda connection, publish: step(
                connection, publish, job_id, window=self._window, now=self._clock()
            ),
        )
        if done is None:
            return
        ROWS_FED.inc(done.fed)
        ROWS_SKIPPED.inc(done.skipped)
        log.info("job.fed", extra={"job_id": job_id, "fed": done.fed, "skipped": done.skipped})
        # Skipped rows take no place: there may be room for more at once.
        self.wake()


@dataclass(frozen=True, slots=True)
class Done:
    """What a step did with the rows it took."""

    fed: int
    skipped: int


def step(
    connection: sa.Connection, publish: Publish, job_id: JobId, *, window: Window, now: datetime
) -> Done | None:
    """Fill one job's window, or complete the job; None where no row was taken."""
    job = jobs.claim_unfinished(connection, job_id)
    if job is None:
        return None
    in_flight = rows.count_in_flight(connection, job_id)
    room = places(window, in_flight=in_flight, waiting=window.size)
    waiting = rows.waiting(connection, job_id, limit=room) if room else []
    if waiting:
        return _feed(connection, publish, job, waiting=waiting, now=now)
    if in_flight == 0:
        jobs.complete(connection, job_id, now=now)
        log.info("job.completed", extra={"job_id": job_id})
    return None


def _feed(
    connection: sa.Connection,
    publish: Publish,
    job: Job,
    *,
    waiting: Sequence[WaitingRow],
    now: datetime,
) -> Done:
    content = msgspec.convert(job.content, TextContent)
    composed = {row.row: compose(job, content, row) for row in waiting}
    refusals = {row: made for row, made in composed.items() if isinstance(made, Refusal)}
    requests = {row: made for row, made in composed.items() if isinstance(made, SendRequested)}
    publish([SEND_REQUESTS.record(r, source=SOURCE, at=now) for r in requests.values()])
    rows.mark_fed(connection, job.job_id, list(requests))
    if refusals:
        rows.skip(connection, job.job_id, refusals)
    jobs.start(connection, job.job_id, now=now)
    return Done(len(requests), len(refusals))


def _needs_a_step(window: Window, job: Unfinished) -> bool:
    if job.has_waiting:
        return places(window, in_flight=job.in_flight, waiting=window.size) > 0
    return job.in_flight == 0
