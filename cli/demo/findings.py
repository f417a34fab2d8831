"""What the trail holds of a finished job: its failures, and how long everything took."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from cli.reading import read_to_end
from runtime.postgres import connect, transaction
from schemas.topics.provider_events import PROVIDER_EVENTS, StatusReported, event_types
from schemas.topics.status_changes import STATUS_CHANGES
from schemas.topics.topic import EVENT_TYPE, header

_CALLBACKS = event_types(StatusReported)

# What each failed message says of its failure: the change that took it to failed.
FAILURES = sa.text(
    "SELECT h.change FROM messages m JOIN message_status_history h"
    " ON h.message_id = m.message_id AND h.sequence = m.sequence"
    " WHERE m.job_id = :job_id AND m.delivery_status = 'failed'"
)

# Rows of the job that were never sent, by reason.
SKIPPED = sa.text(
    "SELECT error_code, error_detail, count(*) AS recipients FROM job_items"
    " WHERE job_id = :job_id AND state = 'skipped' GROUP BY error_code, error_detail"
)

# Time from the request until the trail knew of each step.
STEPS = sa.text(
    "SELECT h.to_status, extract(epoch FROM h.recorded_at - m.sent_at) AS seconds"
    " FROM message_status_history h JOIN messages m USING (message_id)"
    " WHERE m.job_id = :job_id AND h.to_status IN ('sent', 'delivered')"
)

# Which record caused which change.
CAUSES = sa.text(
    "SELECT h.message_id, h.sequence, h.source_partition, h.source_offset"
    " FROM message_status_history h JOIN messages m USING (message_id)"
    " WHERE m.job_id = :job_id AND h.source_topic = :topic"
)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why recipients got nothing, and how many of them."""

    status: str
    """failed, or skipped."""
    code: str
    detail: str
    recipients: int


def reasons(database_url: str, job_id: str) -> list[Reason]:
    """Return every reason for a failed or skipped recipient, the most frequent first."""
    engine = connect(database_url, pool=1)
    with transaction(engine) as connection:
        changes = connection.execute(FAILURES, {"job_id": job_id}).scalars().all()
        skipped = connection.execute(SKIPPED, {"job_id": job_id}).all()
    engine.dispose()
    found = [Reason("skipped", row.error_code, row.error_detail, row.recipients) for row in skipped]
    for (code, detail), recipients in Counter(_why(bytes(change)) for change in changes).items():
        found.append(Reason("failed", code, detail, recipients))
    return sorted(found, key=lambda reason: -reason.recipients)


def durations(database_url: str, bootstrap: str, job_id: str) -> dict[str, list[float]]:
    """Return seconds by what was measured, each sorted.

    Request to sent and to delivered: until the trail had it. Callback to visible: from its arrival
    at the ingester until the change was readable on ``status-changes``.
    """
    engine = connect(database_url, pool=1)
    with transaction(engine) as connection:
        steps = connection.execute(STEPS, {"job_id": job_id}).all()
        asked = {"job_id": job_id, "topic": PROVIDER_EVENTS.name}
        causes = connection.execute(CAUSES, asked).all()
    engine.dispose()
    arrived, visible = asyncio.run(_moments(bootstrap))
    shown = [
        (visible[row.message_id, row.sequence] - moment).total_seconds()
        for row in causes
        if (moment := arrived.get((row.source_partition, row.source_offset))) is not None
        and (row.message_id, row.sequence) in visible
    ]
    return {
        "request → sent": sorted(float(row.seconds) for row in steps if row.to_status == "sent"),
        "request → delivered": sorted(
            float(row.seconds) for row in steps if row.to_status == "delivered"
        ),
        "callback → visible": sorted(shown),
    }


def _why(change: bytes) -> tuple[str, str]:
    error = STATUS_CHANGES.decode(change).error
    if error is None:
        return ("", "")
    provider = f" (provider's code {error.provider_code})" if error.provider_code else ""
    return (error.code.value, error.message + provider)


async def _moments(
    bootstrap: str,
) -> tuple[Mapping[tuple[int, int], datetime], Mapping[tuple[str, int], datetime]]:
    """Return when each callback arrived, by its place, and when each change became readable."""
    events = await read_to_end(bootstrap, PROVIDER_EVENTS.name)
    arrived = {
        (record.partition, record.offset): datetime.fromisoformat(moment)
        for record in events
        if (moment := header(tuple(record.headers), "ce_time")) is not None
        and header(tuple(record.headers), EVENT_TYPE) in _CALLBACKS
    }
    changes = await read_to_end(bootstrap, STATUS_CHANGES.name)
    visible: dict[tuple[str, int], datetime] = {}
    for record in changes:
        change = STATUS_CHANGES.decode(record.value)
        moment = datetime.fromtimestamp(record.timestamp / 1_000, tz=change.recorded_at.tzinfo)
        visible[change.message_id, change.sequence] = moment
    return arrived, visible
