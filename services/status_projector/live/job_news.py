"""Tells how far jobs and pushes are: four times a second at most, the last state always (BJ-05).

What is told is read after it changed, not carried along: a job of which something was heard is due,
and stays due until it has been read after that.
"""

import asyncio
import logging
from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from runtime.auth import Permission
from runtime.clock import Clock
from runtime.errors import DatabaseAway
from runtime.postgres import in_thread
from services.status_projector.live.events import Event, Kind, Subject
from services.status_projector.progress import progress_of
from services.status_projector.store import jobs, runs
from services.status_projector.store.jobs import Counted

log = logging.getLogger(__name__)

TICK: Final = timedelta(milliseconds=250)
"""Between two tellings of a job: four a second."""
MOST: Final = 200
"""Jobs that are read at a time; others have their turn with the next tick."""

Tell = Callable[[Event], None]


class JobNews:
    """Which jobs are due, and the reading of them."""

    def __init__(self, engine: sa.Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._due: dict[str, None] = {}
        self._wake = asyncio.Event()

    def add(self, job_id: str) -> None:
        """Have the job told of; who waits longest is first."""
        self._due.setdefault(job_id)
        self._wake.set()

    async def run(self, tell: Tell) -> None:
        """Read what is due and tell it, for ever."""
        while True:
            await self._wake.wait()
            due = list(self._due)[:MOST]
            for job_id in due:
                del self._due[job_id]
            if not self._due:
                self._wake.clear()
            try:
                events = await in_thread(self._engine, lambda c, due=due: self._events(c, due))
            except DatabaseAway as error:
                log.info("jobs.not_read", extra={"why": str(error)})
                for job_id in due:
                    self.add(job_id)
                events = []
            for event in events:
                tell(event)
            await asyncio.sleep(TICK.total_seconds())

    def _events(self, connection: sa.Connection, job_ids: Collection[str]) -> list[Event]:
        found = jobs.jobs_of(connection, job_ids)
        others = [job_id for job_id in job_ids if job_id not in found]
        pushes = runs.pushes_of(connection, others) if others else []
        return [
            *(self._event(job, Permission.JOBS_VIEW) for job in found.values()),
            *(self._event(p.counted, Permission.TASKS_VIEW, p.task_id) for p in pushes),
        ]

    def _event(self, run: Counted, needs: Permission, task_id: str | None = None) -> Event:
        of_push = ((Subject.TASK.value, named) for named in (run.job_id, task_id) if named)
        return Event(
            kind=Kind.JOB_PROGRESS,
            needs=needs,
            tenant_id=run.tenant_id,
            keys=((Subject.JOB.value, run.job_id), *(of_push if task_id else ())),
            # Who was not reached is asked for: names and numbers, a thousand of them.
            data=progress_of(run, [], self._clock()).model_dump_json(by_alias=True).encode(),
        )
