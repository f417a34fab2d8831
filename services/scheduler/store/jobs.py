"""Jobs: stored, claimed for a step of feeding, moved from status to status."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import sqlalchemy as sa

from domain.identity import JobId
from domain.pacing import Priority
from runtime.vault import Vault
from schemas.topics.task_changes import JobStatus
from services.scheduler.store import contents

FINISHED: Final = frozenset({JobStatus.COMPLETED, JobStatus.CANCELLED, JobStatus.FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What feeding needs to know of a job."""

    job_id: JobId
    tenant_id: str | None
    channel: str
    sender_id: str
    content: Mapping[str, Any]
    """With the placeholders in its texts."""
    priority: Priority
    when_limited: Literal["fail", "wait"]
    expires_at: datetime | None
    status: JobStatus
    created_at: datetime
    tripped: str | None = None
    """Why it is to be paused; None while its breaker holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """An unfinished job at a glance."""

    job_id: JobId
    status: JobStatus
    priority: Priority
    in_flight: int
    """Rows between `send-requests` and the provider's answer."""
    has_waiting: bool
    expires_at: datetime | None
    tripped: bool
    moved_at: datetime
    """When one of its rows was last heard of; at first, when it was created."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a job stands."""

    status: JobStatus
    started: bool
    """Whether a row of it was ever fed."""
    tenant_id: str | None


@dataclass(frozen=True, slots=True)
class Move:
    """A step from one status to another; the job is locked."""

    job_id: JobId
    before: JobStatus
    to: JobStatus
    reason: str | None = None


def insert(connection: sa.Connection, vault: Vault, job: Job, *, name: str, total: int) -> None:
    """Store a job and its first change; its rows follow in the same transaction."""
    said = [(job.tenant_id, job.content)]
    [sealed] = contents.seal(connection, vault, said, place=contents.JOBS)
    connection.execute(
        sa.text(
            """
            WITH stored AS (
                INSERT INTO jobs (
                    job_id, tenant_id, name, channel, sender_id, sealed, priority, when_limited,
                    expires_at, status, total, created_at, changes
                ) VALUES (
                    :job_id, :tenant_id, :name, :channel, :sender_id, :sealed,
                    :priority, :when_limited, :expires_at, :status, :total, :created_at, 1
                ) RETURNING job_id, changes, status, created_at
            )
            INSERT INTO job_changes (job_id, number, to_status, changed_at)
            SELECT job_id, changes, status, created_at FROM stored
            """
        ),
        {
            "job_id": job.job_id,
            "tenant_id": job.tenant_id,
            "name": name,
            "channel": job.channel,
            "sender_id": job.sender_id,
            "sealed": sealed,
            "priority": job.priority,
            "when_limited": job.when_limited,
            "expires_at": job.expires_at,
            "status": job.status,
            "total": total,
            "created_at": job.created_at,
        },
    )


def unfinished(connection: sa.Connection) -> list[Unfinished]:
    """Return the jobs that have something left to do, oldest first.

    Reads the partial indexes only: at most a window of rows a job, however big it is. ORDER BY and
    LIMIT keep it so: a plain EXISTS is planned as a scan of the table while most rows wait.
    """
    rows = connection.execute(
        sa.text(
            """
            SELECT job_id, status, priority, expires_at, tripped IS NOT NULL AS tripped,
                coalesce(heard_at, created_at) AS moved_at,
                (SELECT count(*) FROM job_items AS item
                    WHERE item.job_id = job.job_id AND item.state = 'fed') AS in_flight,
                (SELECT item.row FROM job_items AS item
                    WHERE item.job_id = job.job_id AND item.state = 'waiting'
                    ORDER BY item.row LIMIT 1) IS NOT NULL AS has_waiting
            FROM jobs AS job LEFT JOIN job_outcomes USING (job_id)
            WHERE status IN ('pending', 'running', 'paused') ORDER BY created_at
            """
        )
    )
    return [
        Unfinished(
            job_id=row.job_id,
            status=JobStatus(row.status),
            priority=row.priority,
            in_flight=row.in_flight,
            has_waiting=row.has_waiting,
            expires_at=row.expires_at,
            tripped=row.tripped,
            moved_at=row.moved_at,
        )
        for row in rows
    ]


def claim_unfinished(connection: sa.Connection, vault: Vault, job_id: JobId) -> Job | None:
    """Return the job, locked; None if it is finished or in another scheduler's hands."""
    row = connection.execute(
        sa.text(
            """
            SELECT job_id, tenant_id, channel, sender_id, content, sealed, priority, when_limited,
                expires_at, status, created_at, tripped
            FROM jobs AS job LEFT JOIN job_outcomes USING (job_id)
            WHERE job_id = :job_id AND status IN ('pending', 'running', 'paused')
            FOR UPDATE OF job SKIP LOCKED
            """
        ),
        {"job_id": job_id},
    ).one_or_none()
    if row is None:
        return None
    [content] = contents.read(connection, vault, [(row.content, row.sealed)], place=contents.JOBS)
    return Job(
        job_id=row.job_id,
        tenant_id=row.tenant_id,
        channel=row.channel,
        sender_id=row.sender_id,
        content=content,
        priority=row.priority,
        when_limited=row.when_limited,
        expires_at=row.expires_at,
        status=JobStatus(row.status),
        created_at=row.created_at,
        tripped=row.tripped,
    )


def lock(connection: sa.Connection, job_id: JobId) -> Standing | None:
    """Return where the job stands, locked once a step of feeding has ended; None: no such job."""
    row = connection.execute(
        sa.text(
            """
            SELECT status, started_at IS NOT NULL AS started, tenant_id FROM jobs
            WHERE job_id = :job_id FOR UPDATE
            """
        ),
        {"job_id": job_id},
    ).one_or_none()
    return None if row is None else Standing(JobStatus(row.status), row.started, row.tenant_id)


def move(connection: sa.Connection, step: Move, *, now: datetime) -> None:
    """Give the locked job its next status, and note the change for `task-changes`."""
    connection.execute(
        sa.text(
            """
            WITH moved AS (
                UPDATE jobs SET status = :to_status, changes = changes + 1,
                    started_at = coalesce(started_at, CASE WHEN :runs THEN :now END),
                    finished_at = CASE WHEN :ends THEN :now END,
                    paused_reason = :reason
                WHERE job_id = :job_id RETURNING job_id, changes
            )
            INSERT INTO job_changes (job_id, number, from_status, to_status, reason, changed_at)
            SELECT job_id, changes, :from_status, :to_status, :reason, :now FROM moved
            """
        ),
        {
            "job_id": step.job_id,
            "from_status": step.before,
            "to_status": step.to,
            "runs": step.to is JobStatus.RUNNING,
            "ends": step.to in FINISHED,
            "reason": step.reason,
            "now": now,
        },
    )
