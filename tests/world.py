"""The whole system for journeys: every service a process of its own, on the session's stack."""

from collections.abc import Generator

import pytest

from deploy.pipeline import Ground, Pipeline
from deploy.stack import Stack

# A life of a second instead of half a minute; what happens in it stays the same.
QUICK_LIVES = {"wa.sent_ms": [10, 80], "wa.delivered_ms": [50, 300], "wa.read_ms": [100, 500]}

# An outcome that nobody knows is given up after seconds instead of minutes.
IMPATIENT = {"WHATSAPP_ANSWER_WITHIN": "PT2S", "DISPATCHER_SETTLE_AFTER": "PT4S"}


@pytest.fixture(scope="module")
def world(stack: Stack, clean_topics: str, database_url: str) -> Generator[Pipeline]:
    """Return a running system with empty topics and tables; it ends with the module."""
    del clean_topics
    ground = Ground(stack, database_url)
    with Pipeline("world", ground=ground, service_env=IMPATIENT) as running:
        running.simulator.set_knobs(QUICK_LIVES)
        yield running
