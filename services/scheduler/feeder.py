"""Feeds the rows of jobs to the stream, a bounded window at a time (architecture, promise 7).

Each unfinished job gets one step a sweep, the most urgent first, so a big job does not hold up a
small one. All jobs together are bounded as well: `domain.pacing.windows` says who has how much.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Final, assert_never

import sqlalchemy as sa

from domain.identity import JobId
from domain.pacing import PRIORITIES, Bounds, Priority, Window, windows
from runtime.clock import Clock
from runtime.errors import TryAgainLater
from runtime.kafka.producer import Producer
from runtime.postgres import in_thread
from runtime.vault import Vault
from schemas.topics.task_changes import JobStatus
from services.scheduler.held import held
from services.scheduler.metrics import (
    JOBS_PAUSED,
    JOBS_TRIPPED,
    JOBS_UNFINISHED,
    ROWS_FED,
    ROWS_SKIPPED,
)
from services.scheduler.stalls import Stalls
from services.scheduler.steps import Completed, Done, Fed, Tripped, needs_step, step
from services.scheduler.store import jobs
from services.scheduler.store.jobs import Unfinished

log = logging.getLogger(__name__)

SWEEP_EVERY: Final = timedelta(milliseconds=200)
"""How late a job is noticed whose scheduler died; our own are noticed at once."""


class Feeder:
    """Keeps the window of every unfinished job filled."""

    def __init__(
        self,
        engine: sa.Engine,
        vault: Vault,
        producer: Producer,
        *,
        bounds: Bounds,
        stalls: Stalls,
        clock: Clock,
    ) -> None:
        self._engine = engine
        self._vault = vault
        self._producer = producer
        self._bounds = bounds
        self._stalls = stalls
        self._clock = clock
        self._woken = asyncio.Event()
        self._is_at_rest = True

    def wake(self) -> None:
        """Sweep now: a job is new or has freed places."""
        self._woken.set()

    def rouse(self) -> None:
        """There are jobs: sweep now if nobody does."""
        if self._is_at_rest:
            self._woken.set()

    async def run(self) -> None:
        """Sweep whenever woken, until cancelled, and on while there are jobs.

        Raises `TryAgainLater` when database or broker is away.
        """
        while True:
            self._is_at_rest = True
            await self._woken.wait()
            self._woken.clear()
            self._is_at_rest = False
            while await self._sweep():
                with suppress(TimeoutError):
                    async with asyncio.timeout(SWEEP_EVERY.total_seconds()):
                        await self._woken.wait()
                self._woken.clear()

    async def _sweep(self) -> bool:
        """Feed the jobs; returns whether there are any."""
        unfinished = await in_thread(self._engine, jobs.unfinished)
        now = self._clock()
        paused = sum(job.status is JobStatus.PAUSED for job in unfinished)
        JOBS_PAUSED.set(paused)
        JOBS_UNFINISHED.set(len(unfinished) - paused)
        self._stalls.look(unfinished, now=now)
        failed: list[Exception] = []
        for job, window in _in_turn(unfinished, self._bounds):
            if needs_step(job, window, now=now):
                try:
                    await self._step(job.job_id, window)
                except TryAgainLater:
                    raise
                except Exception as error:  # noqa: BLE001 - raised below: the others come first
                    failed.append(error)
        if failed:
            raise ExceptionGroup("jobs could not be fed", failed)
        return bool(unfinished)

    async def _step(self, job_id: JobId, window: Window) -> None:
        done = await held(
            self._engine,
            self._producer,
            lambda connection, publish: step(
                connection, self._vault, publish, job_id, window=window, now=self._clock()
            ),
        )
        if done is not None:
            _tell(job_id, done)
            # Skipped rows take no place: there may be room for more at once.
            self.wake()


def _in_turn(unfinished: Sequence[Unfinished], bounds: Bounds) -> list[tuple[Unfinished, Window]]:
    """Return the jobs with their windows, the most urgent first, then the oldest."""
    waiting = [job for job in unfinished if job.has_waiting and job.status is not JobStatus.PAUSED]
    counts: Counter[Priority] = Counter(job.priority for job in waiting)
    waiting_ids = {job.job_id for job in waiting}
    elsewhere = sum(job.in_flight for job in unfinished if job.job_id not in waiting_ids)
    sized = windows(bounds, counts, elsewhere=elsewhere)
    ordered = sorted(unfinished, key=lambda job: PRIORITIES.index(job.priority))
    return [(job, sized.get(job.priority, Window(bounds.per_job))) for job in ordered]


def _tell(job_id: JobId, done: Done) -> None:
    match done:
        case Fed(fed, skipped):
            ROWS_FED.inc(fed)
            ROWS_SKIPPED.inc(skipped)
            log.info("job.fed", extra={"job_id": job_id, "fed": fed, "skipped": skipped})
        case Tripped(reason):
            JOBS_TRIPPED.inc()
            log.warning("job.tripped", extra={"job_id": job_id, "reason": reason})
        case Completed():
            log.info("job.completed", extra={"job_id": job_id})
        case _:
            assert_never(done)
