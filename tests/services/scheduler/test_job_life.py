"""What task-changes is told of a job, from its row alone (CF-02)."""

from datetime import timedelta

import pytest

from domain.identity import JobId
from schemas.topics.task_changes import JobStatus
from services.scheduler.job_life import changes_of
from services.scheduler.store.jobs import Unannounced
from tests.given import NOON

PENDING, RUNNING = JobStatus.PENDING, JobStatus.RUNNING
COMPLETED, CANCELLED = JobStatus.COMPLETED, JobStatus.CANCELLED
STARTED, FINISHED = NOON + timedelta(minutes=1), NOON + timedelta(minutes=2)


@pytest.mark.parametrize(
    ("announced", "status", "was_started", "expected"),
    [
        (None, PENDING, False, [(None, PENDING)]),
        (None, RUNNING, True, [(None, PENDING), (PENDING, RUNNING)]),
        (PENDING, RUNNING, True, [(PENDING, RUNNING)]),
        (PENDING, COMPLETED, True, [(PENDING, RUNNING), (RUNNING, COMPLETED)]),
        (PENDING, COMPLETED, False, [(PENDING, COMPLETED)]),
        (RUNNING, CANCELLED, True, [(RUNNING, CANCELLED)]),
        (None, CANCELLED, False, [(None, PENDING), (PENDING, CANCELLED)]),
    ],
)
def test_every_step_since_the_last_announced_one_is_told(
    announced: JobStatus | None,
    status: JobStatus,
    was_started: bool,  # noqa: FBT001 - a column of the table above
    expected: list[tuple[JobStatus | None, JobStatus]],
) -> None:
    job = Unannounced(
        job_id=JobId("0f3c"),
        tenant_id="acme",
        total=3,
        announced=announced,
        status=status,
        created_at=NOON,
        started_at=STARTED if was_started else None,
        finished_at=FINISHED if status in (COMPLETED, CANCELLED) else None,
    )

    changes = changes_of(job)

    assert [(change.from_status, change.to_status) for change in changes] == expected
    times = {PENDING: NOON, RUNNING: STARTED, COMPLETED: FINISHED, CANCELLED: FINISHED}
    assert all(change.updated_at == times[change.to_status] for change in changes)
