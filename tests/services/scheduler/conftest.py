"""Schedulers and what surrounds them: one for a module's ordinary tests, more for the others."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa

from cli.check import differences
from schemas.topics.send_requests import SEND_REQUESTS, SendRequested
from schemas.topics.task_changes import TASK_CHANGES, TaskEvent
from tests.callers import of_tenant, signed_in
from tests.services.scheduler import previewing
from tests.services.scheduler.schedulers import (
    Projector,
    RunningScheduler,
    Tail,
    start_scheduler,
    stop_scheduler,
    tail_of,
)

StartScheduler = Callable[..., Awaitable[RunningScheduler]]


@pytest.fixture
def counters_are_right(database: sa.Engine) -> Generator[None]:
    """Let the test pass only if no counter differs from counting its rows."""
    yield
    assert differences(database) == []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scheduler(
    clean_topics: str, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[RunningScheduler]:
    """Return a scheduler with ordinary settings, the same for the whole module."""
    logs = tmp_path_factory.mktemp("scheduler")
    running = await start_scheduler(clean_topics, database_url, logs)
    yield running
    await stop_scheduler(running)


@pytest_asyncio.fixture(loop_scope="module")
async def a_scheduler(
    clean_topics: str, database_url: str, tmp_path: Path
) -> AsyncGenerator[StartScheduler]:
    """Return what starts one, by its settings as keywords; all end with the test."""
    started: list[RunningScheduler] = []

    async def start(**environment: str) -> RunningScheduler:
        running = await start_scheduler(clean_topics, database_url, tmp_path, **environment)
        started.append(running)
        return running

    yield start
    for running in started:
        await stop_scheduler(running)


@pytest_asyncio.fixture(loop_scope="module")
async def requests(clean_topics: str) -> AsyncGenerator[Tail[SendRequested]]:
    """Return what comes to send-requests during the test."""
    tail = await tail_of(SEND_REQUESTS, clean_topics)
    yield tail
    await tail.consumer.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def job_changes(clean_topics: str) -> AsyncGenerator[Tail[TaskEvent]]:
    """Return what comes to task-changes during the test."""
    tail = await tail_of(TASK_CHANGES, clean_topics)
    yield tail
    await tail.consumer.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def projector(clean_topics: str) -> AsyncGenerator[Projector]:
    """Return what says that messages were sent."""
    speaking = Projector(clean_topics)
    yield speaking
    await speaking.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def preview_scheduler(
    clean_topics: str, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[RunningScheduler]:
    """Return a scheduler that can send previews."""
    scratch: Path = tmp_path_factory.mktemp("scheduler")
    media = (scratch / "media").as_uri()
    running = await start_scheduler(
        clean_topics, database_url, scratch, MEDIA_STORE_URL=media, **previewing.SETTINGS
    )
    yield running
    await stop_scheduler(running)


@pytest_asyncio.fixture(loop_scope="module")
async def editor(preview_scheduler: RunningScheduler) -> AsyncGenerator[httpx.AsyncClient]:
    """Return what calls as somebody who has sent nothing yet."""
    caller = of_tenant("acme")
    headers = signed_in(type(caller)(uuid4().hex, "acme", caller.permissions))
    async with httpx.AsyncClient(
        base_url=preview_scheduler.url, trust_env=False, timeout=30, headers=headers
    ) as client:
        yield client
