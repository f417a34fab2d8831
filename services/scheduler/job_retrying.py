"""How what failed of a job is sent again, each once, with one click (BJ-07, CF-37)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from msgspec import structs

from domain.identity import JobId, MessageId
from runtime import audit
from runtime.audit import Action
from runtime.callers import Caller
from runtime.errors import Conflict
from runtime.vault import Vault
from schemas.topics.send_requests import SEND_REQUESTS, SendRequested
from services.scheduler.held import Publish
from services.scheduler.intake import SOURCE
from services.scheduler.retrying import again
from services.scheduler.store import originals, sends

AT_ONCE: Final = 200
"""Messages of one transaction."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What was done with some of the job's failed messages."""

    retried: int
    behind: int | None
    """The row where it ended; None: these were the last."""


def retry_batch(  # noqa: PLR0913 - what it needs, and when
    connection: sa.Connection,
    vault: Vault,
    job_id: JobId,
    caller: Caller,
    after: int,
    *,
    publish: Publish,
    now: datetime,
) -> Batch:
    """Send again those behind a row that nobody has sent again. Raises `TryAgainLater`.

    The transaction is open until the broker has them, as of a single retry.
    """
    rows = originals.failed_of_job(connection, job_id, after=after, limit=AT_ONCE)
    requests = [
        request
        for row in rows
        if (request := _request(connection, vault, row, caller, now)) is not None
    ]
    if requests:
        publish([SEND_REQUESTS.record(request, source=SOURCE, at=now) for request in requests])
        changes = {"retried": (None, len(requests))}
        tenant_id = requests[0].tenant_id
        audit.note(connection, caller, Action.JOB_RETRY, job_id, changes, tenant_id=tenant_id)
    return Batch(len(requests), rows[-1].row if len(rows) == AT_ONCE else None)


def _request(
    connection: sa.Connection,
    vault: Vault,
    failed: originals.Failed,
    caller: Caller,
    now: datetime,
) -> SendRequested | None:
    """Return the request; None where there is nothing left to send, or it was sent again."""
    message_id = MessageId(failed.message_id)
    original = originals.load(connection, vault, message_id, caller.tenant_id)
    if original is None:
        return None
    try:
        request = again(original, message_id, caller, now)
    except Conflict:
        return None
    # Nobody waits for it: it goes with the priority that its job had.
    request = structs.replace(request, priority=failed.priority, when_limited=failed.when_limited)
    entered = sends.enter_published(
        connection, MessageId(request.message_id), tenant_id=request.tenant_id, now=now
    )
    return request if entered else None
