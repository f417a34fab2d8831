"""The real parts every test may stand on: Kafka, PostgreSQL and the providers' simulator.

The stack starts with the first test that asks for it, once a session, and is gone afterwards. What
a module's tests share (a database, empty topics) is made anew for each module.
"""

import asyncio
import os
import re
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
import sqlalchemy as sa

from deploy.databases import Databases
from deploy.processes import stop_all
from deploy.stack import Stack, lease_empty
from deploy.topics import recreate_topics
from runtime.kafka.topics import ensure_topics
from tests.keys import KEYS
from tests.simulators import RunningSimulator, start_simulator

pytest_plugins = ["tests.world"]

# Processes that tests start inherit them.
os.environ |= KEYS


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest: begun last, they would keep one worker waiting."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def stack() -> Generator[Stack]:
    """Return a running Kafka and PostgreSQL that no other run of the tests uses."""
    with lease_empty("tests") as leased:
        yield leased


@pytest.fixture(scope="session")
def kafka_bootstrap(stack: Stack) -> str:
    """Return the broker's address; the registry's topics exist, empty at the session's start."""
    asyncio.run(ensure_topics(stack.kafka.bootstrap))
    return stack.kafka.bootstrap


@pytest.fixture(scope="module")
def clean_topics(kafka_bootstrap: str) -> str:
    """Return the broker's address; each topic of the registry exists and is empty."""
    asyncio.run(recreate_topics(kafka_bootstrap))
    return kafka_bootstrap


@pytest.fixture(scope="session")
def databases(stack: Stack) -> Databases:
    """Return the maker of databases."""
    made = Databases(stack.postgres)
    made.prepare()
    return made


@pytest.fixture(scope="module")
def database_url(databases: Databases, request: pytest.FixtureRequest) -> str:
    """Return the SQLAlchemy URL of an empty, migrated database of this module's own."""
    # It is not dropped: that takes a checkpoint, some 500 ms, and all of it goes with the stack.
    module = "_".join(request.path.with_suffix("").parts)
    return databases.create("test_" + re.sub(r"\W+", "_", module)[-50:])


@pytest.fixture(scope="module")
def database(database_url: str) -> sa.Engine:
    """Return the module's database, for a look inside.

    Nothing is pooled: a connection kept from before a test killed the server would fail the next.
    """
    return sa.create_engine(database_url, poolclass=sa.NullPool)


@pytest.fixture
def simulator(tmp_path: Path) -> Generator[Callable[..., RunningSimulator]]:
    """Return what starts a simulator: ``simulator(SIM_PROFILE="perfect")``; all end with the test.

    Its settings are environment variables; those it needs and a test does not name have defaults.
    """
    started: list[RunningSimulator] = []

    def start(**environment: str) -> RunningSimulator:
        started.append(start_simulator(environment, tmp_path))
        return started[-1]

    yield start
    stop_all([running.process for running in started])
