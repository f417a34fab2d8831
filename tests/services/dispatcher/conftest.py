"""What surrounds a dispatcher: a provider, an upstream system, and eyes on topics and ledger."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
import sqlalchemy as sa

from deploy.processes import stop_all
from runtime.kafka.producer import Producer
from runtime.postgres import connect
from schemas.topics.provider_events import PROVIDER_EVENTS, ProviderEvent
from tests.services.dispatcher.dispatchers import (
    RunningDispatcher,
    Upstream,
    start_dispatcher,
    stop_dispatcher,
)
from tests.services.dispatcher.tails import Tail, reading_all
from tests.simulators import RunningSimulator, start_simulator
from tests.topic_keys import TOPIC_KEYS

StartDispatcher = Callable[..., Awaitable[RunningDispatcher]]


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningSimulator]:
    """Return a simulator without faults of its own choice."""
    running = start_simulator({"SIM_PROFILE": "perfect"}, tmp_path_factory.mktemp("simulator"))
    yield running
    stop_all([running.process])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def dispatcher(
    clean_topics: str,
    database_url: str,
    provider: RunningSimulator,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncGenerator[RunningDispatcher]:
    """Return a dispatcher with ordinary settings, the same for the whole module."""
    logs = tmp_path_factory.mktemp("dispatcher")
    running = await start_dispatcher(clean_topics, database_url, provider.environment, logs)
    yield running
    await stop_dispatcher(running)


@pytest_asyncio.fixture(loop_scope="module")
async def a_dispatcher(
    clean_topics: str, database_url: str, provider: RunningSimulator, tmp_path: Path
) -> AsyncGenerator[StartDispatcher]:
    """Return what starts one, by its settings as keywords; all end with the test."""
    started: list[RunningDispatcher] = []

    async def start(**environment: str) -> RunningDispatcher:
        running = await start_dispatcher(
            clean_topics, database_url, provider.environment, tmp_path, **environment
        )
        started.append(running)
        return running

    yield start
    for running in started:
        await stop_dispatcher(running)


@pytest_asyncio.fixture(loop_scope="module")
async def upstream(clean_topics: str) -> AsyncGenerator[Upstream]:
    """Return who asks for messages."""
    asking = Upstream(clean_topics)
    await asking.start()
    yield asking
    await asking.stop()


@dataclass(frozen=True, slots=True)
class Site:
    """All that surrounds dispatchers that a test starts by itself."""

    start: StartDispatcher
    upstream: Upstream
    facts: Tail[ProviderEvent]
    provider: RunningSimulator
    ledger: sa.Engine


@pytest.fixture
def site(
    a_dispatcher: StartDispatcher,
    upstream: Upstream,
    facts: Tail[ProviderEvent],
    provider: RunningSimulator,
    ledger: sa.Engine,
) -> Site:
    return Site(a_dispatcher, upstream, facts, provider, ledger)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def facts(clean_topics: str) -> AsyncGenerator[Tail[ProviderEvent]]:
    """Return what comes to provider-events."""
    async with reading_all(PROVIDER_EVENTS, clean_topics) as tail:
        yield tail


@pytest.fixture
def ledger(database: sa.Engine) -> sa.Engine:
    """Return the dispatchers' database."""
    return database


@pytest.fixture(scope="module")
def engine(database_url: str) -> Generator[sa.Engine]:
    """Return the module's database as services open it, for parts of one."""
    made = connect(database_url)
    yield made
    made.dispose()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def producer(clean_topics: str) -> AsyncGenerator[Producer]:
    """Return what parts of a service publish with."""
    made = Producer(clean_topics, "test", TOPIC_KEYS)
    yield made
    await made.stop()
