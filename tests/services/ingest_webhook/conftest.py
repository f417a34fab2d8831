"""Ingesters: one for a module's ordinary tests, and as many more as a test wants of its own."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.services.ingest_webhook.ingesters import (
    RunningIngester,
    StartIngester,
    start_ingester,
    stop_ingester,
)
from tests.services.ingest_webhook.tencent_callers import APPS


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ingester(
    clean_topics: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[RunningIngester]:
    """Return an ingester with ordinary settings, the same for the whole module."""
    running = await start_ingester(clean_topics, {}, tmp_path_factory.mktemp("ingester"))
    yield running
    await stop_ingester(running)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tencent_ingester(
    clean_topics: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[RunningIngester]:
    """Return an ingester that hears WeCom companies and WeChat apps, the same for the module."""
    running = await start_ingester(clean_topics, APPS, tmp_path_factory.mktemp("ingester"))
    yield running
    await stop_ingester(running)


@pytest_asyncio.fixture(loop_scope="module")
async def an_ingester(clean_topics: str, tmp_path: Path) -> AsyncGenerator[StartIngester]:
    """Return what starts one, by its settings as keywords; all end with the test."""
    started: list[RunningIngester] = []

    async def start(*, ready_at: str = "/readyz", **environment: str) -> RunningIngester:
        running = await start_ingester(clean_topics, environment, tmp_path, ready_at=ready_at)
        started.append(running)
        return running

    yield start
    for running in started:
        await stop_ingester(running)
