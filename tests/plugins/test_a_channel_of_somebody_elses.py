"""A package with an entry point is a channel: sent through, asked, and looked for, like our own."""

from collections.abc import AsyncGenerator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
import sqlalchemy as sa

from domain.failures import ErrorCode
from schemas.topics.contents import TextContent
from schemas.topics.provider_events import (
    PROVIDER_EVENTS,
    ProviderEvent,
    SendAccepted,
    SendRejected,
    StatusReported,
)
from schemas.topics.send_requests import SendRequested
from services.dispatcher.store.requests import disclosed
from tests.eventually import eventually
from tests.given import a_send_request
from tests.plugins.gateway import HANGS_UP, UNSUBSCRIBED, Gateway, running_gateway
from tests.sealed import VAULT, statuses_of_participants
from tests.services.dispatcher.dispatchers import (
    SOON,
    RunningDispatcher,
    Upstream,
    about,
    outcome,
    start_dispatcher,
    state_of,
    stop_dispatcher,
)
from tests.services.dispatcher.tails import Tail, reading_all
from tests.services.status_projector.projectors import (
    RunningProjector,
    start_projector,
    stop_projector,
)

pytestmark = [
    pytest.mark.stack,
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.usefixtures("dispatcher"),
]

ASKED = "SELECT delays, already FROM follow_ups WHERE message_id = :id"
ASK_NOW = "UPDATE follow_ups SET next_at = now() WHERE message_id = :id"
FOLLOWED = "SELECT FROM follow_ups WHERE message_id = :id"
FIND_NOW = "UPDATE dispatch_ledger SET find_at = now() WHERE message_id = :id"
SITE = Path(__file__).with_name("site")
"""Where the package and what says of it that it is a channel are installed."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway() -> AsyncGenerator[Gateway]:
    async with running_gateway() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def dispatcher(
    clean_topics: str,
    database_url: str,
    gateway: Gateway,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncGenerator[RunningDispatcher]:
    logs = tmp_path_factory.mktemp("dispatcher")
    environment = {
        "PYTHONPATH": str(SITE),
        "SMS_GATEWAY_URL": gateway.url,
        "WHATSAPP_ACCESS_TOKEN": "unused",
    }
    running = await start_dispatcher(clean_topics, database_url, environment, logs)
    yield running
    await stop_dispatcher(running)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def projector(
    clean_topics: str, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[RunningProjector]:
    running = await start_projector(
        clean_topics, database_url, tmp_path_factory.mktemp("projector")
    )
    yield running
    await stop_projector(running)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def upstream(clean_topics: str) -> AsyncGenerator[Upstream]:
    asking = Upstream(clean_topics)
    await asking.start()
    yield asking
    await asking.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def facts(clean_topics: str) -> AsyncGenerator[Tail[ProviderEvent]]:
    async with reading_all(PROVIDER_EVENTS, clean_topics) as tail:
        yield tail


def a_text(body: str = "The market opens at ten.") -> SendRequested:
    return a_send_request(channel="sms", recipient="Traders", content=TextContent(body=body))


async def test_a_message_goes_to_its_list_and_each_recipients_result_is_asked_for(
    upstream: Upstream,
    facts: Tail[ProviderEvent],
    gateway: Gateway,
    projector: RunningProjector,
    database: sa.Engine,
) -> None:
    request = a_text()

    await upstream.ask(request)
    accepted = await eventually(lambda: outcome(facts, request.message_id), within=SOON)
    assert isinstance(accepted, SendAccepted)
    assert accepted.results_follow

    taken = await eventually(lambda: status_of(projector, request), within=SOON)
    assert taken == "sending"
    await follow_to_its_end(database, request, known=1)

    said = about(await facts.read(), request.message_id)
    reports = [one for one in said if isinstance(one, StatusReported)]
    assert [(one.participant, one.status) for one in reports] == [
        (UNSUBSCRIBED, "failed"),
        ("ada", "sent"),
        (None, "sent"),
        ("bob", "failed"),
    ]
    assert [one.participant for one in reports if not one.polled] == [UNSUBSCRIBED]
    assert gateway.refs.count(request.message_id) == 1
    everybody = {UNSUBSCRIBED: "failed", "ada": "sent", "bob": "failed"}
    await eventually(lambda: participants_of(database, request) == everybody, within=SOON)
    assert await status_of(projector, request) == "sent"


async def test_a_call_without_an_answer_is_looked_for_and_found(
    upstream: Upstream, facts: Tail[ProviderEvent], gateway: Gateway, database: sa.Engine
) -> None:
    request = a_text(HANGS_UP)

    await upstream.ask(request)
    await eventually(lambda: state_of(database, request.message_id) == "in_doubt", within=SOON)
    turn(database, FIND_NOW, request)
    accepted = await eventually(lambda: outcome(facts, request.message_id), within=SOON)

    assert isinstance(accepted, SendAccepted)
    assert accepted.provider_message_id == f"sms-{request.message_id}"
    assert accepted.results_follow
    await eventually(lambda: state_of(database, request.message_id) == "accepted", within=SOON)
    await follow_to_its_end(database, request, known=0)
    assert gateway.refs.count(request.message_id) == 1


async def test_what_its_address_does_not_understand_is_rejected(
    upstream: Upstream, facts: Tail[ProviderEvent], gateway: Gateway
) -> None:
    request = a_send_request(channel="sms", recipient="+16505550001")

    await upstream.ask(request)
    rejected = await eventually(lambda: outcome(facts, request.message_id), within=SOON)

    assert isinstance(rejected, SendRejected)
    assert rejected.failure.code is ErrorCode.INVALID_RECIPIENT
    assert request.message_id not in gateway.refs


async def status_of(projector: RunningProjector, request: SendRequested) -> str | None:
    answer = await projector.status(request.message_id)
    return answer.json()["data"]["status"] if answer.is_success else None


async def follow_to_its_end(engine: sa.Engine, request: SendRequested, *, known: int) -> None:
    """Turn the clock to each question: one is answered "not yet", one by half, one in full."""
    for so_far in ((0, known), (1, known), (0, known + 1)):
        await eventually(lambda s=so_far: asked(engine, request) == s, within=SOON)
        turn(engine, ASK_NOW, request)
    await eventually(lambda: not turn(engine, FOLLOWED, request), within=SOON)


def asked(engine: sa.Engine, request: SendRequested) -> tuple[int, int] | None:
    """Return how often in a row nothing was new, and how many results are known."""
    with engine.connect() as connection:
        row = connection.execute(sa.text(ASKED), {"id": request.message_id}).first()
        if row is None:
            return None
        (known,) = disclosed(connection, VAULT, [row.already])
    assert known is not None
    return row.delays, len(msgspec.msgpack.decode(known))


def turn(engine: sa.Engine, statement: str, request: SendRequested) -> int:
    with engine.begin() as connection:
        return connection.execute(sa.text(statement), {"id": request.message_id}).rowcount


def participants_of(engine: sa.Engine, request: SendRequested) -> dict[str | None, str]:
    with engine.connect() as connection:
        return statuses_of_participants(connection, VAULT, request.message_id)
