"""Jobs: stored, claimed for a step of feeding, finished, cancelled, announced."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from domain.identity import JobId
from schemas.topics.task_changes import JobStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What feeding needs to know of a job."""

    job_id: JobId
    tenant_id: str | None
    channel: str
    sender_id: str
    content: Mapping[str, Any]
    """The text with its placeholders."""
    status: JobStatus
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An unfinished job at a glance."""

    job_id: JobId
    in_flight: int
    """Rows between `send-requests` and the provider's answer."""
    has_waiting: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Unannounced:
    """A job of whose last transitions `task-changes` may not have heard."""

    job_id: JobId
    tenant_id: str | None
    total: int
    announced: JobStatus | None
    status: JobStatus
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


def insert(connection: sa.Connection, job: Job, *, name: str, total: int) -> None:
    """Store a job; its rows follow in the same transaction."""
    connection.execute(
        sa.text(
            """
            INSERT INTO jobs (
                job_id, tenant_id, name, channel, sender_id, content, status, total, created_at
            ) VALUES (
                :job_id, :tenant_id, :name, :channel, :sender_id, CAST(:content AS jsonb),
                :status, :total, :created_at
            )
            """
        ),
        {
            "job_id": job.job_id,
            "tenant_id": job.tenant_id,
            "name": name,
            "channel": job.channel,
            "sender_id": job.sender_id,
            "content": json.dumps(job.content),
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
            SELECT job_id,
                (SELECT count(*) FROM job_items AS item
                    WHERE item.job_id = job.job_id AND item.state = 'fed') AS in_flight,
                (SELECT item.row FROM job_items AS item
                    WHERE item.job_id = job.job_id AND item.state = 'waiting'
                    ORDER BY item.row LIMIT 1) IS NOT NULL AS has_waiting
            FROM jobs AS job WHERE status IN ('pending', 'running') ORDER BY created_at
            """
        )
    )
    return [Unfinished(row.job_id, row.in_flight, row.has_waiting) for row in rows]


def claim_unfinished(connection: sa.Connection, job_id: JobId) -> Job | None:
    """Return the job, locked; None if it is finished or in another scheduler's hands."""
    row = connection.execute(
        sa.text(
            """
            SELECT job_id, tenant_id, channel, sender_id, content, status, created_at FROM jobs
            WHERE job_id = :job_id AND status IN ('pending', 'running')
            FOR UPDATE SKIP LOCKED
            """
        ),
        {"job_id": job_id},
    ).one_or_none()
    if row is None:
        return None
    return Job(
        job_id=row.job_id,
        tenant_id=row.tenant_id,
        channel=row.channel,
        sender_id=row.sender_id,
        content=row.content,
        status=JobStatus(row.status),
        created_at=row.created_at,
    )


def start(connection: sa.Connection, job_id: JobId, *, now: datetime) -> None:
    """Note that a pending job is running."""
    connection.execute(
        sa.text(
            """
            UPDATE jobs SET status = 'running', started_at = :now
            WHERE job_id = :job_id AND status = 'pending'
            """
        ),
        {"job_id": job_id, "now": now},
    )


def complete(connection: sa.Connection, job_id: JobId, *, now: datetime) -> None:
    """Finish a pending or running job as completed."""
    connection.execute(
        sa.text(
            """
            UPDATE jobs SET status = 'completed', finished_at = :now
            WHERE job_id = :job_id AND status IN ('pending', 'running')
            """
        ),
        {"job_id": job_id, "now": now},
    )


def lock_status(connection: sa.Connection, job_id: JobId) -> JobStatus | None:
    """Return the job's status, locked once a step of feeding has ended; None: no such job."""
    status = connection.execute(
        sa.text("SELECT status FROM jobs WHERE job_id = :job_id FOR UPDATE"), {"job_id": job_id}
    ).scalar_one_or_none()
    return None if status is None else JobStatus(status)


def cancel(connection: sa.Connection, job_id: JobId, *, now: datetime) -> None:
    """Finish the locked job as cancelled."""
    connection.execute(
        sa.text("UPDATE jobs SET status = 'cancelled', finished_at = :now WHERE job_id = :job_id"),
        {"job_id": job_id, "now": now},
    )


def unannounced(connection: sa.Connection, *, limit: int) -> list[Unannounced]:
    """Return jobs whose status is ahead of what was announced, oldest first, locked.

    SKIP LOCKED: one scheduler announces a job.
    """
    rows = connection.execute(
        sa.text(
            """
            SELECT job_id, tenant_id, total, announced, status, created_at, started_at, finished_at
            FROM jobs WHERE announced IS DISTINCT FROM status
            ORDER BY created_at LIMIT :limit FOR UPDATE SKIP LOCKED
            """
        ),
        {"limit": limit},
    )
    return [
        Unannounced(
            job_id=row.job_id,
            tenant_id=row.tenant_id,
            total=row.total,
            announced=None if row.announced is None else JobStatus(row.announced),
            status=JobStatus(row.status),
            created_at=row.created_at,
            started_at=row.started_at,
            finished_at=row.finished_at,
        )
        for row in rows
    ]


def mark_announced(connection: sa.Connection, job_ids: list[JobId]) -> None:
    """Note that the locked jobs' statuses are on `task-changes`."""
    connection.execute(
        sa.text("UPDATE jobs SET announced = status WHERE job_id = ANY(:job_ids)"),
        {"job_ids": job_ids},
    )
