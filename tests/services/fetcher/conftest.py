"""What surrounds a fetcher: a provider with files, an ingester, and eyes on topic and table."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from pathlib import Path

import pytest
import pytest_asyncio
import sqlalchemy as sa

from deploy.processes import stop_all
from tests.services.fetcher.fetchers import (
    Outside,
    RunningFetcher,
    an_outside,
    start_fetcher,
    stop_fetcher,
)
from tests.simulators import RunningSimulator, start_simulator

StartFetcher = Callable[..., Awaitable[RunningFetcher]]


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningSimulator]:
    """Return a simulator without faults of its own choice."""
    running = start_simulator({"SIM_PROFILE": "perfect"}, tmp_path_factory.mktemp("simulator"))
    yield running
    stop_all([running.process])


@pytest.fixture(scope="module")
def surroundings(
    clean_topics: str, database_url: str, provider: RunningSimulator
) -> dict[str, str]:
    """Return what a fetcher reads to find Kafka, PostgreSQL and the provider."""
    servers = {"KAFKA_BOOTSTRAP_SERVERS": clean_topics, "DATABASE_URL": database_url}
    return servers | provider.environment


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def fetcher(
    surroundings: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[RunningFetcher]:
    """Return a fetcher with ordinary settings, the same for the whole module."""
    running = await start_fetcher(surroundings, tmp_path_factory.mktemp("fetcher"))
    yield running
    await stop_fetcher(running)


@pytest_asyncio.fixture(loop_scope="module")
async def a_fetcher(surroundings: dict[str, str], tmp_path: Path) -> AsyncGenerator[StartFetcher]:
    """Return what starts one, by its settings as keywords; all share a store and end with it."""
    started: list[RunningFetcher] = []

    async def start(**environment: str) -> RunningFetcher:
        running = await start_fetcher(surroundings | environment, tmp_path)
        started.append(running)
        return running

    yield start
    for running in started:
        await stop_fetcher(running)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def outside(
    clean_topics: str, provider: RunningSimulator, database: sa.Engine
) -> AsyncGenerator[Outside]:
    """Return everybody around the module's fetchers."""
    async with an_outside(clean_topics, provider, database) as connected:
        yield connected
