"""One step of one job: its window is filled, or it is paused, or it is over.

A step holds the job's row, publishes inside its transaction and marks the rows fed: a crash in
between publishes the same message ids again, and a cancel waits for the step's end, a few
milliseconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from domain.failures import ErrorCode
from domain.identity import JobId
from domain.job_rows import Unsent
from domain.pacing import Window, places
from runtime.vault import Vault
from schemas.topics.send_requests import SEND_REQUESTS, SendRequested
from schemas.topics.task_changes import JobStatus
from services.scheduler.drafts import draft_of
from services.scheduler.held import Publish
from services.scheduler.intake import SOURCE
from services.scheduler.screening import compose
from services.scheduler.store import jobs, rows, unsent
from services.scheduler.store.jobs import Job, Move, Unfinished
from services.scheduler.store.rows import Refusal, WaitingRow

EXPIRED: Final = Refusal(ErrorCode.UNKNOWN_ERROR, "the job has expired")


@dataclass(frozen=True, slots=True)
class Fed:
    """What became of the rows that were taken."""

    fed: int
    skipped: int


@dataclass(frozen=True, slots=True)
class Tripped:
    """The job is paused, because too many of its messages failed (IM-55)."""

    reason: str


@dataclass(frozen=True, slots=True)
class Completed:
    """Every row has ended (IM-60)."""


Done = Fed | Tripped | Completed


def needs_step(job: Unfinished, window: Window, *, now: datetime) -> bool:
    """Tell whether there is something to do for the job."""
    if not job.has_waiting:
        return job.in_flight == 0
    if job.expires_at is not None and job.expires_at <= now:
        return True
    if job.status is JobStatus.PAUSED:
        return False
    return job.tripped or places(window, in_flight=job.in_flight, waiting=window.size) > 0


def step(
    connection: sa.Connection,
    vault: Vault,
    publish: Publish,
    job_id: JobId,
    *,
    window: Window,
    now: datetime,
) -> Done | None:
    """Do what is to be done for the job; None where that is nothing."""
    job = jobs.claim_unfinished(connection, vault, job_id)
    if job is None:
        return None
    if job.expires_at is not None and job.expires_at <= now:
        skipped = rows.skip_waiting(connection, job_id, EXPIRED)
        if skipped:
            unsent.add(connection, {job_id: Unsent(skipped=skipped)})
            return Fed(0, skipped)
    in_flight = rows.count_in_flight(connection, job_id)
    room = places(window, in_flight=in_flight, waiting=window.size)
    waiting = rows.waiting(connection, vault, job_id, limit=max(1, room))
    if not waiting:
        return None if in_flight else _complete(connection, job, now=now)
    if job.status is JobStatus.PAUSED:
        return None
    if job.tripped is not None:
        jobs.move(connection, Move(job_id, job.status, JobStatus.PAUSED, job.tripped), now=now)
        return Tripped(job.tripped)
    return _feed(connection, publish, job, waiting=waiting, now=now) if room else None


def _complete(connection: sa.Connection, job: Job, *, now: datetime) -> Completed:
    jobs.move(connection, Move(job.job_id, job.status, JobStatus.COMPLETED), now=now)
    return Completed()


def _feed(
    connection: sa.Connection,
    publish: Publish,
    job: Job,
    *,
    waiting: Sequence[WaitingRow],
    now: datetime,
) -> Fed:
    draft = draft_of(job.content)
    composed = {row.row: compose(job, draft, row) for row in waiting}
    refusals = {row: made for row, made in composed.items() if isinstance(made, Refusal)}
    requests = {row: made for row, made in composed.items() if isinstance(made, SendRequested)}
    publish([SEND_REQUESTS.record(r, source=SOURCE, at=now) for r in requests.values()])
    rows.mark_fed(connection, job.job_id, list(requests))
    if refusals:
        skipped = rows.skip(connection, job.job_id, refusals)
        unsent.add(connection, {job.job_id: Unsent(skipped=skipped)})
    if job.status is JobStatus.PENDING:
        jobs.move(connection, Move(job.job_id, job.status, JobStatus.RUNNING), now=now)
    return Fed(len(requests), len(refusals))
