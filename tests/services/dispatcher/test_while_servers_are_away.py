"""What holds while the broker or the database is gone, and that its return is enough."""

import asyncio
from collections.abc import Generator, Sequence

import pytest
import sqlalchemy as sa

from deploy.stack import Stack
from schemas.topics.provider_events import ProviderEvent, SendAccepted
from schemas.topics.send_requests import SendRequested
from tests.eventually import eventually, seconds
from tests.services.dispatcher.conftest import StartDispatcher
from tests.services.dispatcher.dispatchers import Upstream, a_request, add_rule, state_of
from tests.services.dispatcher.tails import Tail
from tests.simulators import RunningSimulator

pytestmark = [
    pytest.mark.stack,
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="module"),
]

BACK_WITHIN = seconds(90)
CROWD = 100


@pytest.fixture(autouse=True)
def servers_live_on(stack: Stack, clean_topics: str) -> Generator[None]:
    """Leave the others of this session the servers as they were found."""
    assert clean_topics
    yield
    stack.kafka.start()
    stack.postgres.start()


def a_crowd(name: str) -> list[SendRequested]:
    return [a_request(f"{1_000 + number}", name=name) for number in range(CROWD)]


async def all_accepted(facts: Tail[ProviderEvent], requests: Sequence[SendRequested]) -> bool:
    """Tell whether the acceptance of each is published."""
    accepted = {event.message_id for event in await facts.read() if isinstance(event, SendAccepted)}
    return {request.message_id for request in requests} <= accepted


async def test_without_a_database_nothing_is_called_and_its_return_is_enough(
    a_dispatcher: StartDispatcher,
    upstream: Upstream,
    facts: Tail[ProviderEvent],
    provider: RunningSimulator,
    stack: Stack,
) -> None:
    dispatcher = await a_dispatcher()
    process = dispatcher.process.pid
    requests = a_crowd("no-database")

    await asyncio.to_thread(stack.postgres.kill)
    await upstream.ask(*requests)
    log = dispatcher.process.log_path
    await eventually(lambda: "claims.waiting" in log.read_text(), within=BACK_WITHIN)
    during = provider.provider.accepted()
    await asyncio.to_thread(stack.postgres.start)
    await eventually(lambda: all_accepted(facts, requests), within=BACK_WITHIN)

    assert [request for request in requests if request.message_id in during] == []
    sends = provider.provider.accepted()
    assert {sends[request.message_id] for request in requests} == {1}
    assert dispatcher.process.pid == process


async def test_a_broker_that_dies_while_calls_are_made_costs_nothing(
    a_dispatcher: StartDispatcher,
    upstream: Upstream,
    facts: Tail[ProviderEvent],
    provider: RunningSimulator,
    stack: Stack,
    ledger: sa.Engine,
) -> None:
    dispatcher = await a_dispatcher(DISPATCHER_CALLS_PER_SENDER="10")
    process = dispatcher.process.pid
    requests = a_crowd("no-broker")
    wanted = {request.message_id for request in requests}
    add_rule(provider, {"opaque_prefix": "no-broker"}, {"net.slow_ms": [100, 300]})

    await upstream.ask(*requests)
    await eventually(lambda: wanted & provider.provider.accepted().keys(), within=BACK_WITHIN)
    await asyncio.to_thread(stack.kafka.kill)
    await asyncio.to_thread(stack.kafka.start)
    await eventually(lambda: all_accepted(facts, requests), within=BACK_WITHIN)

    sends = provider.provider.accepted()
    assert {sends[message_id] for message_id in wanted} == {1}
    for message_id in wanted:
        await eventually(lambda m=message_id: state_of(ledger, m) == "accepted", within=BACK_WITHIN)
    assert dispatcher.process.pid == process


async def test_a_database_that_dies_while_calls_are_made_costs_nothing(
    a_dispatcher: StartDispatcher,
    upstream: Upstream,
    facts: Tail[ProviderEvent],
    provider: RunningSimulator,
    stack: Stack,
) -> None:
    await a_dispatcher(DISPATCHER_CALLS_PER_SENDER="10")
    requests = a_crowd("database-dies")
    wanted = {request.message_id for request in requests}
    add_rule(provider, {"opaque_prefix": "database-dies"}, {"net.slow_ms": [100, 300]})

    await upstream.ask(*requests)
    await eventually(lambda: wanted & provider.provider.accepted().keys(), within=BACK_WITHIN)
    await asyncio.to_thread(stack.postgres.kill)
    await asyncio.to_thread(stack.postgres.start)
    await eventually(lambda: all_accepted(facts, requests), within=BACK_WITHIN)

    sends = provider.provider.accepted()
    assert {sends[message_id] for message_id in wanted} == {1}
