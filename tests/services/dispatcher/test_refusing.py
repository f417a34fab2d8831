"""What is refused at the claim and never called: expired, cancelled, impossible."""

from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import uuid4

import pytest
import sqlalchemy as sa

from domain.failures import ErrorCode, Failure, Origin
from domain.ledger import Tries
from runtime.clock import now
from runtime.postgres import transaction
from schemas.topics.provider_events import ProviderEvent, SendAccepted
from services.dispatcher.store import ledger as ledger_store
from services.dispatcher.work import Asked, Claimed, message_of
from tests.eventually import eventually
from tests.given import a_send_request
from tests.services.dispatcher.dispatchers import (
    SOON,
    Upstream,
    a_request,
    calls_for,
    codes,
    ends_of,
    state_of,
)
from tests.services.dispatcher.gazette import from_the_stream
from tests.services.dispatcher.tails import Tail
from tests.simulators import RunningSimulator
from tests.vaults import the_vault

pytestmark = [
    pytest.mark.stack,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.usefixtures("dispatcher"),
]

LONG_AGO = datetime.now(UTC) - timedelta(hours=1)
"""Any claim of then is abandoned."""


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


@pytest.mark.parametrize("stop", ["status = 'paused'", "deleted_at = now()"])
async def test_a_stopped_pushs_messages_are_not_called(
    upstream: Upstream,
    facts: Tail[ProviderEvent],
    provider: RunningSimulator,
    ledger: sa.Engine,
    stop: str,
) -> None:
    stopped, going = a_push(ledger), a_push(ledger)
    with ledger.begin() as connection:
        task = "SELECT task_id FROM t_pushes WHERE push_id = :push"
        statement = f"UPDATE t_tasks SET {stop} WHERE task_id = ({task})"  # noqa: S608 - ours
        connection.execute(sa.text(statement), {"push": stopped})
    requests = [a_request(f"050{n}", job_id=push) for n, push in enumerate((stopped, going))]

    await upstream.ask(*requests)
    ends = await ends_of(facts, requests)

    assert codes(ends[0]) == (ErrorCode.UNKNOWN_ERROR, "the push was stopped")
    assert isinstance(ends[1], SendAccepted)
    assert calls_for(provider, requests[0].message_id) == 0


@pytest.mark.parametrize("detail", ["the recipient has opted out", None])
async def test_a_refusal_that_died_with_its_process_is_told_for_what_it_is(
    facts: Tail[ProviderEvent], ledger: sa.Engine, detail: str | None
) -> None:
    code = ErrorCode.DAILY_LIMIT_EXCEEDED
    new, waiting = a_send_request(), a_send_request()
    asked = [from_the_stream(one) for one in (new, waiting)]
    refusal = Failure(code, Origin.LOCAL, detail=detail)
    with transaction(ledger) as connection:
        entries = [ledger_store.Entry(asked[0], refused=refusal), waits(asked[1])]
        enter = partial(ledger_store.enter, owner="dead", now=LONG_AGO)
        enter(connection, the_vault(), entries, lambda _: False)
        message = message_of(waiting, waiting.recipient)
        work = Claimed(waiting, asked[1].raw, Tries(1), LONG_AGO, "dead", message, refusal)
        ledger_store.take(connection, [work], owner="dead", now=LONG_AGO)

    ends = await ends_of(facts, [new, waiting])

    assert [codes(end) for end in ends] == [(code, detail)] * 2
    for request in (new, waiting):
        await eventually(
            lambda one=request: state_of(ledger, one.message_id) == "rejected", within=SOON
        )


def waits(asked: Asked) -> ledger_store.Entry:
    """Return an entry of a message that nobody takes by itself for now."""
    return ledger_store.Entry(asked, due_at=now() + timedelta(hours=1))


def a_push(engine: sa.Engine) -> str:
    """Enter a running task and its push as the scheduler would."""
    task_id, push_id = str(uuid4()), str(uuid4())
    with engine.begin() as connection:
        task = sa.text(
            """
            INSERT INTO t_tasks (task_id, name, schedule_type, schedule_time, groups, status,
                creator_id, preview_recipients, created_at, updated_at, timezone, content_hash)
            VALUES (:task, 'Spring', 'once', now(), '["g1"]', 'running', 'pat', '[]', now(), now(),
                'UTC', '')
            """
        )
        push = sa.text(
            """
            INSERT INTO t_pushes (push_id, task_id, due_at, status, priority, content)
            VALUES (:push, :task, now(), 'running', 'medium', '{}')
            """
        )
        connection.execute(task, {"task": task_id})
        connection.execute(push, {"task": task_id, "push": push_id})
    return push_id


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
