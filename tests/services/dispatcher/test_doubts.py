"""What becomes of messages that may have been sent: never a second call that nobody allowed."""

import asyncio
import time

import pytest
import sqlalchemy as sa

from domain.failures import ErrorCode, Origin
from runtime.clock import now
from schemas.topics.provider_events import (
    SendAccepted,
    SendDeferred,
    SendRejected,
)
from schemas.topics.send_requests import SendRequested
from tests.eventually import eventually, seconds
from tests.services.dispatcher.conftest import Site
from tests.services.dispatcher.dispatchers import (
    IMPATIENT,
    PATIENT,
    SOON,
    a_request,
    about,
    add_rule,
    calls_for,
    outcome,
    state_of,
    story,
)
from tests.simulators import RunningSimulator

pytestmark = [
    pytest.mark.stack,
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="module"),
]

HANGS = {"net.timeout_after": 1}
"""The provider accepts and its answer never comes."""


@pytest.fixture(autouse=True)
def hanging_calls(provider: RunningSimulator) -> None:
    """Let the calls hang whose message is named so."""
    add_rule(provider, {"opaque_prefix": "hangs-once", "nth": 1}, HANGS)
    add_rule(provider, {"opaque_prefix": "hangs-in-retry", "nth": 1}, {"wa.refuse": 130429})
    add_rule(provider, {"opaque_prefix": "hangs-in-retry", "nth": 2}, HANGS)


async def calls_have_begun(provider: RunningSimulator, requests: list[SendRequested]) -> None:
    """Return when the provider has accepted all of them."""
    wanted = {request.message_id for request in requests}
    await eventually(lambda: wanted <= provider.provider.accepted().keys(), within=SOON)


def project(engine: sa.Engine, request: SendRequested, provider_message_id: str) -> None:
    """Let the read model know a message, as the projector does after its first callback."""
    statement = sa.text(
        "INSERT INTO messages (message_id, channel, sender_id, person, conversation_id,"
        " message_type, message_direction, whatsapp_message_id, delivery_status, sent_at,"
        " created_at, updated_at)"
        " VALUES (:id, :channel, :sender, '', '', 'text', 'outbound', :provider, 'delivered',"
        " :now, :now, :now)"
    )
    values = {
        "id": request.message_id,
        "channel": request.channel,
        "sender": request.sender_id,
        "provider": provider_message_id,
        "now": now(),
    }
    with engine.begin() as connection:
        connection.execute(statement, values)


async def test_what_a_killed_process_was_calling_is_settled_without_a_second_call(
    site: Site,
) -> None:
    dispatcher = await site.start(**PATIENT)
    known = a_request("0001", name="hangs-once")
    unknown = a_request("0002", name="hangs-once")
    retried = a_request("0003", name="hangs-in-retry")
    allowed = a_request("0004", name="hangs-once", resend_in_doubt=True)
    asked = [known, unknown, retried, allowed]
    await site.upstream.ask(*asked)
    await calls_have_begun(site.provider, asked)

    dispatcher.process.kill()
    project(
        site.ledger, known, site.provider.provider.lives()[known.message_id].provider_message_id
    )
    await site.upstream.ask(*asked)
    await site.start(**IMPATIENT)
    ends = {
        request.message_id: await eventually(
            lambda r=request: outcome(site.facts, r.message_id), within=SOON
        )
        for request in (unknown, retried, allowed)
    }
    await eventually(lambda: state_of(site.ledger, known.message_id) == "accepted", within=SOON)

    for request in (unknown, retried):
        end = ends[request.message_id]
        assert isinstance(end, SendRejected)
        assert end.failure.code is ErrorCode.UNKNOWN_OUTCOME
        assert end.failure.origin is Origin.LOCAL
    assert isinstance(ends[allowed.message_id], SendAccepted)
    sends = site.provider.provider.accepted()
    assert [sends[request.message_id] for request in asked] == [1, 1, 1, 2]


async def test_a_lost_answer_is_settled_by_evidence_or_fails_after_the_grace_period(
    site: Site,
) -> None:
    await site.start(**IMPATIENT)
    known = a_request("0011", name="hangs-once")
    unknown = a_request("0012", name="hangs-once")
    project(site.ledger, known, f"wamid.{known.message_id}")

    await site.upstream.ask(known, unknown)
    end = await eventually(lambda: outcome(site.facts, unknown.message_id), within=SOON)
    await eventually(lambda: state_of(site.ledger, known.message_id) == "accepted", within=SOON)

    assert isinstance(end, SendRejected)
    assert end.failure.code is ErrorCode.UNKNOWN_OUTCOME
    assert story(about(await site.facts.read(), known.message_id)) == [("started", 1)]
    sends = site.provider.provider.accepted()
    assert (sends[known.message_id], sends[unknown.message_id]) == (1, 1)


async def test_evidence_that_comes_before_a_retry_spares_it(site: Site) -> None:
    # A gateway's error may hide an accepted send; here its callback is known at once.
    await site.start(**IMPATIENT)
    request = a_request("0013", name="throttled")
    add_rule(site.provider, {"opaque": request.message_id}, {"wa.refuse": 130429})
    project(site.ledger, request, f"wamid.{request.message_id}")

    await site.upstream.ask(request)
    end = await eventually(lambda: outcome(site.facts, request.message_id), within=SOON)

    assert isinstance(end, SendAccepted)
    assert end.provider_message_id == f"wamid.{request.message_id}"
    assert calls_for(site.provider, request.message_id) == 1


async def test_a_servers_error_with_a_code_waits_for_the_callback_of_what_it_hides(
    site: Site,
) -> None:
    await site.start()
    request = a_request("0015", name="hidden")
    add_rule(site.provider, {"opaque": request.message_id}, {"wa.hide_accepted": 131016}, count=1)

    async def deferred() -> SendDeferred | None:
        said = about(await site.facts.read(), request.message_id)
        return next((event for event in said if isinstance(event, SendDeferred)), None)

    await site.upstream.ask(request)
    told = await eventually(deferred, within=SOON)
    assert told is not None
    assert told.until - told.at > seconds(4.9)
    project(site.ledger, request, f"wamid.{request.message_id}")
    end = await eventually(lambda: outcome(site.facts, request.message_id), within=SOON)

    assert isinstance(end, SendAccepted)
    assert site.provider.provider.accepted()[request.message_id] == 1
    assert calls_for(site.provider, request.message_id) == 1


async def test_a_claim_gone_stale_is_put_down_and_made_anew(site: Site) -> None:
    dispatcher = await site.start(DISPATCHER_CLAIM_LASTS="PT1S")
    request = a_request("0014")

    # Stopped while the database holds its claim back: it is committed long after it was begun.
    with site.ledger.begin() as connection:
        connection.execute(sa.text("LOCK TABLE dispatch_ledger IN EXCLUSIVE MODE"))
        await site.upstream.ask(request)
        await eventually(lambda: claims_wait(site.ledger), within=SOON)
        begun = time.monotonic()
        dispatcher.process.suspend()
    await eventually(lambda: time.monotonic() > begun + 1, within=SOON)
    dispatcher.process.resume()
    end = await eventually(lambda: outcome(site.facts, request.message_id), within=SOON)

    said = about(site.facts.records, request.message_id)
    assert isinstance(end, SendAccepted)
    assert story(said)[:3] == [("started", 1), ("deferred", 1), ("started", 2)]
    stale = [event.failure.detail for event in said if isinstance(event, SendDeferred)]
    assert stale[0] == "claim gone stale"
    assert calls_for(site.provider, request.message_id) == 1


def claims_wait(engine: sa.Engine) -> bool:
    """Tell whether a claim waits for a lock."""
    query = sa.text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE wait_event_type = 'Lock' AND query LIKE '%INSERT INTO dispatch_ledger%'"
    )
    with engine.connect() as connection:
        return connection.execute(query).scalar_one() > 0


async def test_a_process_that_is_asked_to_stop_ends_its_calls_and_records_them(site: Site) -> None:
    dispatcher = await site.start(**PATIENT)
    requests = [a_request(f"{2_000 + n}", name="slow") for n in range(10)]
    add_rule(site.provider, {"opaque_prefix": "slow"}, {"net.slow_ms": [1_500, 1_500]})
    await site.upstream.ask(*requests)

    async def calling() -> bool:
        return await dispatcher.metric("dispatcher_calls_in_progress") > 0

    await eventually(calling, within=SOON)
    began = time.monotonic()
    code = await asyncio.to_thread(dispatcher.process.terminate, seconds(30))
    took = time.monotonic() - began

    called = [r for r in requests if r.message_id in site.provider.provider.accepted()]
    assert code == -15  # uvicorn ends by the signal, after it has drained
    assert took < 20
    assert called
    events = await site.facts.read()
    for request in called:
        told = [("started", 1), ("accepted", 1)]
        assert story(about(events, request.message_id)) == told
        assert state_of(site.ledger, request.message_id) == "accepted"
