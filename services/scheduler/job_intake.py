"""How jobs are accepted (BJ-01; architecture, promise 7)."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import uuid4

import msgspec
import sqlalchemy as sa

from domain.identity import JobId
from domain.job_rows import Unsent
from runtime import audit
from runtime.audit import Action
from runtime.auth import Caller
from runtime.bodies import refuse_nul
from runtime.vault import Vault
from schemas.http.jobs import CreateJob, JobCreated
from schemas.topics.task_changes import JobStatus
from services.scheduler import drafts
from services.scheduler.fields import in_utc, wrong_expiry
from services.scheduler.idempotency import Key, key_of, once
from services.scheduler.metrics import ROWS_SKIPPED
from services.scheduler.screening import screen
from services.scheduler.store import jobs, rows, unsent
from services.scheduler.store.jobs import Job
from services.scheduler.store.keys import Answer, KeyName
from services.scheduler.store.rows import NewRow

CREATE: Final = "POST /api/v1/jobs"


@dataclass(frozen=True, slots=True)
class Asked:
    """A job as its caller wants it."""

    body: CreateJob
    sender_id: str
    caller: Caller
    key: Key | None


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


def create(connection: sa.Connection, vault: Vault, asked: Asked, *, now: datetime) -> JobCreated:
    """Store a job with all its rows, or return the answer that its key got before."""
    body = asked.body

    def make() -> Answer:
        # A repetition may come late; whoever is new here may not.
        expired = body.expires_at and wrong_expiry(body.expires_at, starts=now)
        if expired:
            raise expired
        created = _store(connection, vault, body, sender_id=asked.sender_id, now=now)
        _note(connection, asked, created)
        return created.model_dump(mode="json", by_alias=True)

    return JobCreated.model_validate(once(connection, asked.key, make, now=now))


def _note(connection: sa.Connection, asked: Asked, created: JobCreated) -> None:
    audit.note(
        connection,
        asked.caller,
        Action.JOB_CREATE,
        created.job_id,
        {"recipients": (None, created.total), "senderId": (None, asked.sender_id)},
        tenant_id=asked.body.tenant_id,
    )


def check(body: CreateJob) -> None:
    """Raise `InvalidInput` for what is wrong with the job as a whole, whatever its rows are."""
    drafts.check(body.content)
    texts = {"name": body.name, "senderId": body.sender_id, "tenantId": body.tenant_id}
    refuse_nul(dict(texts))


def _store(
    connection: sa.Connection, vault: Vault, body: CreateJob, *, sender_id: str, now: datetime
) -> JobCreated:
    job = Job(
        job_id=JobId(str(uuid4())),
        tenant_id=body.tenant_id,
        channel=body.channel,
        sender_id=sender_id,
        content=body.content,
        priority=body.priority,
        when_limited=body.when_limited,
        expires_at=in_utc(body.expires_at),
        status=JobStatus.PENDING,
        created_at=now,
    )
    total, tally = len(body.recipients), _Tally()
    jobs.insert(connection, vault, job, name=body.name, total=total)
    draft = drafts.draft_of(body.content)
    screened = screen(job.job_id, draft, body.recipients)
    rows.insert(connection, vault, job, tally.over(screened))
    skipped = tally.counts[False]
    unsent.add(connection, {job.job_id: Unsent(skipped=skipped)})
    ROWS_SKIPPED.inc(skipped)
    return JobCreated(job_id=job.job_id, total=total, waiting=tally.counts[True], skipped=skipped)
