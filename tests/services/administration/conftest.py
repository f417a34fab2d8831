"""An administration for a module's ordinary tests."""

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from tests.eventually import eventually, seconds
from tests.services.administration.administrations import (
    RunningAdministration,
    start_administration,
    stop_administration,
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def administration(
    database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[RunningAdministration]:
    """Return an administration with the built-in roles, the same for the whole module."""
    running = await start_administration(database_url, tmp_path_factory.mktemp("administration"))

    async def has_roles() -> bool:
        return bool((await running.look("roles")).json()["data"]["items"])

    await eventually(has_roles, within=seconds(20))
    yield running
    await stop_administration(running)
