"""A projector on a database of the module's own, without Kafka around it."""

from collections.abc import Generator

import pytest
import sqlalchemy as sa

from runtime.postgres import connect
from tests.services.status_projector.facts import Projector


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
