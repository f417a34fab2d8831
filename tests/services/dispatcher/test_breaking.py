"""Senders that are halted because their messages fail, at a real dispatcher (IM-55)."""

from collections.abc import Generator, Sequence
from uuid import uuid4

import pytest
import sqlalchemy as sa

from deploy.processes import stop_all
from domain.failures import ErrorCode
from runtime.clock import now
from runtime.kafka.producer import Producer
from schemas.topics.provider_events import (
    PROVIDER_EVENTS,
    ProviderEvent,
    SendAccepted,
    SendRejected,
)
from schemas.topics.send_requests import SendRequested
from services.dispatcher.store import outcomes, senders
from tests.eventually import eventually
from tests.given import a_failure, a_status_reported
from tests.services.dispatcher.conftest import StartDispatcher
from tests.services.dispatcher.dispatchers import (
    SOON,
    Upstream,
    a_request,
    add_rule,
    ends_of,
    state_of,
    stop_dispatcher,
)
from tests.services.dispatcher.tails import Tail
from tests.simulators import RunningSimulator, start_simulator

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

NUMBERS = [str(106540352242922 + n) for n in range(4)]
SENDERS = iter(NUMBERS)
AFTER = 10
COUNTRY_BARRED = 130497
NOT_ON_WHATSAPP = 131026


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningSimulator]:
    """Return a simulator with some sending accounts."""
    environment = {"SIM_PROFILE": "perfect", "SIM_PHONE_NUMBER_IDS": ",".join(NUMBERS)}
    running = start_simulator(environment, tmp_path_factory.mktemp("simulator"))
    yield running
    stop_all([running.process])


async def test_a_sender_whose_messages_are_refused_is_halted_until_a_probe_is_accepted(
    a_dispatcher: StartDispatcher,
    upstream: Upstream,
    facts: Tail[ProviderEvent],
    provider: RunningSimulator,
    ledger: sa.Engine,
) -> None:
    dispatcher = await a_dispatcher(SENDER_BREAKER_AFTER=str(AFTER))
    sender = a_sender()
    refused, waiting = messages(AFTER, sender), messages(3, sender)
    # Two probes are refused as well, one of them for a reason of its recipient's.
    refuse(provider, refused, COUNTRY_BARRED)
    refuse(provider, waiting[:1], COUNTRY_BARRED)
    refuse(provider, waiting[1:2], NOT_ON_WHATSAPP)

    await upstream.ask(*refused)
    await eventually(lambda: halted_for(ledger, sender), within=SOON)
    assert halted_for(ledger, sender) == f"{AFTER} of the last {AFTER} messages failed"
    assert await dispatcher.metric(f'dispatcher_sender_halted{{sender="{sender}"}}') == 1
    for one in waiting:
        await upstream.ask(one)
        await eventually(lambda one=one: state_of(ledger, one.message_id) == "waiting", within=SOON)
        assert halted_for(ledger, sender)
        probe_now(ledger, sender)
        await ends_of(facts, [one])

    await eventually(lambda: not halted_for(ledger, sender), within=SOON)
    ends = await ends_of(facts, waiting)
    assert [type(end) for end in ends] == [SendRejected, SendRejected, SendAccepted]


async def test_messages_that_are_reported_failed_halt_their_sender_each_counted_once(
    a_dispatcher: StartDispatcher,
    upstream: Upstream,
    facts: Tail[ProviderEvent],
    producer: Producer,
    ledger: sa.Engine,
) -> None:
    await a_dispatcher(SENDER_BREAKER_AFTER=str(AFTER))
    sender = a_sender()
    sent = messages(AFTER - 1, sender)

    await upstream.ask(*sent)
    accepted = await ends_of(facts, sent)
    await eventually(lambda: counted(ledger, sender) == (len(sent), 0), within=SOON)
    for _ in range(2):
        await report_failed(producer, accepted)
    await eventually(lambda: counted(ledger, sender) == (0, len(sent)), within=SOON)
    await ask(upstream, facts, messages(1, sender))
    await eventually(lambda: halted_for(ledger, sender), within=SOON)

    assert halted_for(ledger, sender) == f"{AFTER - 1} of the last {AFTER} messages failed"
    with ledger.begin() as connection:
        assert senders.resume(connection, [sender], now=now()) == [sender]
        outcomes.start_anew(connection, [sender])
    (end,) = await ask(upstream, facts, messages(1, sender))
    assert isinstance(end, SendAccepted)


async def test_recipients_failures_halt_nobody_and_neither_does_a_breaker_that_is_off(
    a_dispatcher: StartDispatcher,
    upstream: Upstream,
    facts: Tail[ProviderEvent],
    provider: RunningSimulator,
    ledger: sa.Engine,
) -> None:
    dispatcher = await a_dispatcher(SENDER_BREAKER_AFTER=str(AFTER))
    sender = a_sender()
    refused = messages(AFTER + 1, sender)
    refuse(provider, refused, NOT_ON_WHATSAPP)
    ends = await ask(upstream, facts, refused)
    assert {type(end) for end in ends} == {SendRejected}
    # They are refused before these are accepted: once these are counted, so would they be.
    await ask(upstream, facts, messages(AFTER // 2, sender))
    await eventually(lambda: counted(ledger, sender) == (AFTER // 2, 0), within=SOON)
    await stop_dispatcher(dispatcher)

    await a_dispatcher(SENDER_BREAKER_AFTER="0")
    more = messages(AFTER + 1, sender)
    refuse(provider, more, COUNTRY_BARRED)
    await ask(upstream, facts, more)
    (last,) = await ask(upstream, facts, messages(1, sender))

    assert isinstance(last, SendAccepted)
    assert counted(ledger, sender) == (AFTER // 2, 0)


def a_sender() -> str:
    """Return an account that no other test sends from."""
    return f"whatsapp:{next(SENDERS)}"


def messages(count: int, sender: str) -> list[SendRequested]:
    """Return requests whose ids begin alike, so that a rule finds them all."""
    name, number = f"breaking-{uuid4().hex[:6]}", sender.removeprefix("whatsapp:")
    return [a_request(f"{n:04}", name=name, sender_id=number) for n in range(count)]


def refuse(provider: RunningSimulator, requests: Sequence[SendRequested], code: int) -> None:
    for request in requests:
        add_rule(provider, {"opaque": request.message_id}, {"wa.refuse": code})


async def ask(
    upstream: Upstream, facts: Tail[ProviderEvent], requests: Sequence[SendRequested]
) -> list[SendAccepted | SendRejected]:
    """Ask for messages and return how they ended."""
    await upstream.ask(*requests)
    return await ends_of(facts, requests)


async def report_failed(producer: Producer, ends: Sequence[SendAccepted | SendRejected]) -> None:
    """Say that accepted messages failed, as the ingester says it."""
    why = a_failure(code=ErrorCode.WA_ACCOUNT_ABNORMAL, provider_code=str(COUNTRY_BARRED))
    reports = [
        a_status_reported(
            provider_message_id=end.provider_message_id,
            message_id=end.message_id,
            status="failed",
            failure=why,
        )
        for end in ends
        if isinstance(end, SendAccepted)
    ]
    records = PROVIDER_EVENTS.records(reports, source="/test", at=now())
    await producer.publish(records, within=SOON)


def probe_now(engine: sa.Engine, sender: str) -> None:
    """Let a halted sender be probed by what waits for it, without the pause before."""
    with engine.begin() as connection:
        for statement in (
            "UPDATE senders SET probe_at = now() WHERE sender = :sender AND probe_at > now()",
            "UPDATE dispatch_ledger SET due_at = now() WHERE sender = :sender AND due_at > now()",
        ):
            connection.execute(sa.text(statement), {"sender": sender})


def halted_for(engine: sa.Engine, sender: str) -> str | None:
    with engine.connect() as connection:
        query = sa.text("SELECT halted_for FROM senders WHERE sender = :sender")
        return connection.execute(query, {"sender": sender}).scalar()


def counted(engine: sa.Engine, sender: str) -> tuple[int, int] | None:
    """Return what of the present window is reached, and what failed."""
    with engine.connect() as connection:
        query = sa.text("SELECT reached, failed FROM sender_outcomes WHERE sender = :sender")
        row = connection.execute(query, {"sender": sender}).first()
        return None if row is None else (row.reached, row.failed)
