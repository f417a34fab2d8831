"""Which running jobs make no progress, so that somebody hears of it (IM-54, IM-60)."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from domain.identity import JobId
from schemas.topics.task_changes import JobStatus
from services.scheduler.metrics import JOBS_STALLED
from services.scheduler.store.jobs import Unfinished

log = logging.getLogger(__name__)


class Stalls:
    """Counts jobs of whose rows nothing was heard for a while, and logs each once."""

    def __init__(self, after: timedelta) -> None:
        self._after = after
        self._known: frozenset[JobId] = frozenset()

    def look(self, unfinished: Sequence[Unfinished], *, now: datetime) -> None:
        """Compare the jobs with the clock."""
        stalled = [job for job in unfinished if is_stalled(job, after=self._after, now=now)]
        JOBS_STALLED.set(len(stalled))
        for job in stalled:
            if job.job_id not in self._known:
                silent = int((now - job.moved_at).total_seconds())
                log.warning(
                    "job.stalled",
                    extra={"job_id": job.job_id, "in_flight": job.in_flight, "silent_s": silent},
                )
        self._known = frozenset(job.job_id for job in stalled)


def is_stalled(job: Unfinished, *, after: timedelta, now: datetime) -> bool:
    """Tell whether the job should have moved; a paused one should not."""
    return job.status is not JobStatus.PAUSED and now - job.moved_at >= after
