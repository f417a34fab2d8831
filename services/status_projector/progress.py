"""How far a job or a push is, from its counters alone (BJ-05, CF-20, CF-58, IM-24, IM-60)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from domain.throughput import rate, seconds_left
from schemas.http.trail import JobCounts, JobFailure, JobProgress
from services.status_projector.store.jobs import Counted

ENDED: Final = frozenset({"completed", "cancelled", "failed", "skipped"})


def progress_of(job: Counted, failures: Sequence[JobFailure], now: datetime) -> JobProgress:
    """Return a job's progress. The time left follows from the rate of late; unknown at first."""
    counts = _counts(job)
    success = counts.sent + counts.delivered + counts.read
    failed = counts.failed + counts.skipped
    processed = success + failed + counts.cancelled
    per_second = rate(job.throughput, now) if job.status == "running" else None
    left = 0 if job.status in ENDED else job.total - processed
    return JobProgress(
        job_id=job.job_id,
        status=job.status,
        total=job.total,
        processed=processed,
        success_count=success,
        failed_count=failed,
        percent=round(100 * processed / job.total, 1) if job.total else 100.0,
        per_second=None if per_second is None else round(per_second, 2),
        estimated_remaining_seconds=seconds_left(left, per_second),
        paused_reason=job.paused_reason,
        started_at=job.started_at,
        finished_at=job.finished_at,
        counts=counts,
        failures=list(failures),
    )


def _counts(job: Counted) -> JobCounts:
    # Refused in the stream because the job was cancelled: they have messages, which failed. The
    # scheduler may have counted one before the projector's statement sees it.
    failed = max(0, job.by_status["failed"] - job.recalled)
    known = sum(job.by_status.values()) - job.by_status["failed"] + failed
    # A row that is not projected yet waits as well, in the scheduler or in Kafka.
    waiting = max(0, job.total - known - job.skipped - job.cancelled)
    return JobCounts(
        pending=job.by_status["pending"] + waiting,
        sending=job.by_status["sending"],
        sent=job.by_status["sent"],
        delivered=job.by_status["delivered"],
        read=job.by_status["read"],
        failed=failed,
        skipped=job.skipped,
        cancelled=job.cancelled,
    )
