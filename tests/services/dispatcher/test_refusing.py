"""What is refused at the claim and never called: expired, cancelled, impossible."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from domain.failures import ErrorCode
from schemas.topics.provider_events import ProviderEvent, SendAccepted
from tests.services.dispatcher.dispatchers import Upstream, a_request, calls_for, codes, ends_of
from tests.services.dispatcher.tails import Tail
from tests.simulators import RunningSimulator

pytestmark = [
    pytest.mark.stack,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.usefixtures("dispatcher"),
]


async def test_what_has_expired_is_refused_and_not_called(
    upstream: Upstream,
    facts: Tail[ProviderEvent],
    provider: RunningSimulator,
) -> None:
    request = a_request("0200", expires_at=datetime.now(UTC) - timedelta(seconds=1))

    await upstream.ask(request)
    (end,) = await ends_of(facts, [request])

    assert codes(end) == (ErrorCode.UNKNOWN_ERROR, "expired before it was sent")
    assert calls_for(provider, request.message_id) == 0


async def test_a_cancelled_jobs_messages_are_not_called(
    upstream: Upstream,
    facts: Tail[ProviderEvent],
    provider: RunningSimulator,
    ledger: sa.Engine,
) -> None:
    cancelled, running = a_job(ledger, "cancelled"), a_job(ledger, "running")
    stopped, sent = (a_request(f"030{n}", job_id=job) for n, job in enumerate((cancelled, running)))

    await upstream.ask(stopped, sent)
    ends = await ends_of(facts, [stopped, sent])

    assert codes(ends[0]) == (ErrorCode.UNKNOWN_ERROR, "the job was cancelled")
    assert isinstance(ends[1], SendAccepted)
    assert calls_for(provider, stopped.message_id) == 0


async def test_a_channel_that_is_not_there_is_a_refusal_with_its_name(
    upstream: Upstream, facts: Tail[ProviderEvent]
) -> None:
    request = a_request("0400", channel="pigeon")

    await upstream.ask(request)
    (end,) = await ends_of(facts, [request])

    assert codes(end) == (ErrorCode.UNKNOWN_ERROR, "no channel pigeon is set up")


def a_job(engine: sa.Engine, status: str) -> str:
    """Enter a job as the scheduler would."""
    job_id = str(uuid4())
    with engine.begin() as connection:
        enter = sa.text(
            """
            INSERT INTO jobs (job_id, channel, sender_id, content, status, total, created_at)
            VALUES (:job_id, 'whatsapp', '1', '{}', :status, 1, now())
            """
        )
        connection.execute(enter, {"job_id": job_id, "status": status})
    return job_id
