"""Projectors: one without Kafka around it on the module's database, and processes."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from pathlib import Path

import pytest
import pytest_asyncio
import sqlalchemy as sa
from fastapi import FastAPI

from runtime.postgres import connect
from schemas.topics.status_changes import STATUS_CHANGES, StatusChanged
from tests.services.dispatcher.tails import Tail, reading_all
from tests.services.status_projector.asking import Asker, api_over, asking
from tests.services.status_projector.facts import Projector
from tests.services.status_projector.projectors import (
    RunningProjector,
    Writer,
    start_projector,
    stop_projector,
)

StartProjector = Callable[..., Awaitable[RunningProjector]]


@pytest.fixture(scope="module")
def engine(database_url: str) -> Generator[sa.Engine]:
    """Return the module's database."""
    made = connect(database_url)
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def projector(engine: sa.Engine) -> Projector:
    """Return a projector that owns the partitions of the module's tests."""
    return Projector(engine)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(
    clean_topics: str, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[RunningProjector]:
    """Return a projector's process, the same for the whole module."""
    logs = tmp_path_factory.mktemp("projector")
    process = await start_projector(clean_topics, database_url, logs, PROJECTOR_PARK_FOR="PT3S")
    yield process
    await stop_projector(process)


@pytest_asyncio.fixture(loop_scope="module")
async def a_projector(
    clean_topics: str, database_url: str, tmp_path: Path
) -> AsyncGenerator[StartProjector]:
    """Return what starts a process, by its settings as keywords; all end with the test."""
    started: list[RunningProjector] = []

    async def start(**environment: str) -> RunningProjector:
        started.append(await start_projector(clean_topics, database_url, tmp_path, **environment))
        return started[-1]

    yield start
    for process in started:
        await stop_projector(process)


@pytest_asyncio.fixture(loop_scope="module")
async def writer(clean_topics: str) -> AsyncGenerator[Writer]:
    """Return who writes on the projector's topics."""
    writing = Writer(clean_topics)
    yield writing
    await writing.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def changes(clean_topics: str) -> AsyncGenerator[Tail[StatusChanged]]:
    """Return what comes to status-changes."""
    async with reading_all(STATUS_CHANGES, clean_topics) as tail:
        yield tail


@pytest.fixture(scope="module")
def app(database_url: str) -> FastAPI:
    """Return the query API over the module's database."""
    return api_over(database_url)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ask(app: FastAPI) -> AsyncGenerator[Asker]:
    """Return somebody who may ask everything."""
    async with asking(app) as asker:
        yield asker
