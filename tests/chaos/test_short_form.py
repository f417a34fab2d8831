"""The chaos matrix in small: `make chaos` does the same at full size, and more of it."""

import asyncio
import re
from collections.abc import Callable, Generator

import pytest

from deploy.databases import Databases
from deploy.pipeline import Ground
from deploy.stack import Stack, lease_empty
from deploy.topics import recreate_topics
from tests.chaos import faults
from tests.chaos.arena import Trial, attempt
from tests.chaos.callbacks import disordered_callbacks
from tests.chaos.commits import disturbed_commits
from tests.chaos.limits import daily_limit
from tests.chaos.resent import resent_callbacks
from tests.chaos.storms import rebalance_storm
from tests.chaos.upgrades import tables_change
from tests.eventually import seconds

pytestmark = [pytest.mark.stack, pytest.mark.slow]


@pytest.fixture(scope="module")
def servers() -> Generator[Stack]:
    """Return servers that a trial may kill without harm to other tests."""
    with lease_empty("chaos") as leased:
        Databases(leased.postgres).prepare()
        yield leased


@pytest.fixture
def ground(servers: Stack, request: pytest.FixtureRequest) -> Ground:
    """Return the servers with empty topics and a database of the test's own."""
    asyncio.run(recreate_topics(servers.kafka.bootstrap))
    name = re.sub(r"\W+", "_", request.node.name).lower()
    return Ground(servers, Databases(servers.postgres).create(name))


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(
            lambda: daily_limit(60, over=seconds(2), when_limited="fail"),
            id="L1",
        ),
        pytest.param(
            lambda: daily_limit(60, over=seconds(2), when_limited="wait"),
            id="L1b",
        ),
        pytest.param(lambda: faults.killed_in_turn(400, over=seconds(12)), id="R1"),
        pytest.param(lambda: resent_callbacks(300, over=seconds(4), away=seconds(2)), id="R2b"),
        pytest.param(
            lambda: disturbed_commits(200, over=seconds(8), late_by=seconds(3), special=0),
            id="R5",
        ),
        pytest.param(
            lambda: faults.provider_mishaps(
                300, over=seconds(8), expired_for=seconds(1), kill_every=seconds(3), special=0
            ),
            id="R6",
        ),
        pytest.param(lambda: disordered_callbacks(400, over=seconds(1)), id="R7"),
        pytest.param(lambda: rebalance_storm(400, over=seconds(14)), id="R12"),
        pytest.param(lambda: tables_change(300, over=seconds(6), times=2), id="R15"),
    ],
)
@pytest.mark.timeout(240)
async def test_nothing_is_lost_doubled_or_wrong(make: Callable[[], Trial], ground: Ground) -> None:
    trial = make()

    outcome = await attempt(ground, trial)

    assert outcome.problems == []
