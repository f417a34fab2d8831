"""A statistics process over empty topics, the same for a module."""

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from tests.services.statistics.running import RunningStatistics, a_statistics_process


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def statistics(
    clean_topics: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[RunningStatistics]:
    """Return a process that has nothing to tell yet."""
    logs = tmp_path_factory.mktemp("statistics")
    async with a_statistics_process(clean_topics, logs) as running:
        yield running
