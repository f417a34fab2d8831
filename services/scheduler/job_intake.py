"""How jobs are accepted and cancelled (BJ-01, BJ-04, BJ-06, IM-23; architecture, promise 7)."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

import msgspec
import sqlalchemy as sa

from domain.identity import JobId
from runtime.errors import InvalidInput, NotFound
from schemas.http.jobs import CreateJob, JobCreated, JobOutcome
from schemas.topics.task_changes import JobStatus
from services.scheduler.idempotency import Key, first_answer, key_of
from services.scheduler.metrics import ROWS_SKIPPED
from services.scheduler.screening import screen
from services.scheduler.store import jobs, keys, rows
from services.scheduler.store.jobs import Job
from services.scheduler.store.keys import KeyName
from services.scheduler.store.rows import NewRow

CREATE: Final = "POST /api/v1/jobs"

_FINISHED: Final = {
    JobStatus.COMPLETED: "Job has already completed",
    JobStatus.CANCELLED: "Job was already cancelled",
    JobStatus.FAILED: "Job has already failed",
}


@dataclass(slots=True)
class _Tally:
    """Counts rows as they pass by, since they exist once only."""

    counts: Counter[bool] = field(default_factory=Counter[bool])

    def over(self, passing: Iterable[NewRow]) -> Iterator[NewRow]:
        for row in passing:
            self.counts[row.refusal is None] += 1
            yield row


def key_for(body: CreateJob, idempotency_key: str) -> Key:
    """Return the key of a creating call."""
    name = KeyName(body.tenant_id or "", CREATE, idempotency_key)
    return key_of(name, msgspec.json.encode(body, order="deterministic"))


def create(
    connection: sa.Connection, body: CreateJob, *, sender_id: str, key: Key | None, now: datetime
) -> JobCreated:
    """Store a job with all its rows, or return the answer that its key got before.

    Two calls with the same key at the same time: the second waits for the first one's commit.
    """
    if key is not None:
        keys.claim(connection, {key.name: key.body_hash}, now=now)
        answer = first_answer(key, keys.load(connection, [key.name])[key.name])
        if answer is not None:
            return JobCreated.model_validate(answer)
    created = _store(connection, body, sender_id=sender_id, now=now)
    if key is not None:
        keys.answer(connection, {key.name: created.model_dump(mode="json", by_alias=True)})
    return created


def cancel(connection: sa.Connection, job_id: JobId, *, now: datetime) -> JobOutcome:
    """Cancel what is not in the stream yet; what is there ends as it would have (IM-23)."""
    status = jobs.lock_status(connection, job_id) if _is_possible(job_id) else None
    if status is None:
        raise NotFound("Job not found")
    if status in _FINISHED:
        return JobOutcome(success=False, message=_FINISHED[status])
    jobs.cancel(connection, job_id, now=now)
    cancelled = rows.cancel_waiting(connection, job_id)
    return JobOutcome(success=True, message=f"Job cancelled, {cancelled} messages were not sent")


def refuse_nul(body: CreateJob) -> None:
    """Raise `InvalidInput` for what PostgreSQL could not store as text."""
    texts = {
        "name": body.name,
        "content.body": body.content.body,
        "senderId": body.sender_id,
        "tenantId": body.tenant_id,
    }
    for name, text in texts.items():
        if text is not None and "\x00" in text:
            raise InvalidInput(name, "must not contain the NUL character")


def _is_possible(job_id: str) -> bool:
    try:
        UUID(job_id)
    except ValueError:
        return False
    return True


def _store(
    connection: sa.Connection, body: CreateJob, *, sender_id: str, now: datetime
) -> JobCreated:
    job = Job(
        job_id=JobId(str(uuid4())),
        tenant_id=body.tenant_id,
        channel=body.channel,
        sender_id=sender_id,
        content=msgspec.to_builtins(body.content),
        status=JobStatus.PENDING,
        created_at=now,
    )
    total, tally = len(body.recipients), _Tally()
    jobs.insert(connection, job, name=body.name, total=total)
    rows.copy(connection, job.job_id, tally.over(screen(job.job_id, body.content, body.recipients)))
    skipped = tally.counts[False]
    ROWS_SKIPPED.inc(skipped)
    return JobCreated(job_id=job.job_id, total=total, waiting=tally.counts[True], skipped=skipped)
