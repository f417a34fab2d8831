import asyncio
from collections.abc import AsyncGenerator

import httpx
import pytest
import pytest_asyncio

from deploy.stack import Stack
from tests.eventually import eventually, seconds
from tests.services.statistics.running import (
    Projector,
    RunningStatistics,
    eventually_counts,
    everything_read,
    read_messages,
    sums,
)

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(loop_scope="module")
async def feed(clean_topics: str) -> AsyncGenerator[Projector]:
    """Return a projector that goes on publishing."""
    async with Projector(clean_topics) as projector:
        yield projector


async def test_a_process_killed_in_mid_stream_counts_each_change_once(
    statistics: RunningStatistics, feed: Projector
) -> None:
    async def publish() -> None:
        for _ in range(60):
            await feed.publish(read_messages(20, job_id="killed"))
            await asyncio.sleep(0.1)

    async def counts_more_than(number: int) -> None:
        async def is_there() -> bool:
            return (await statistics.job("killed")).get("sending", 0) > number

        await eventually(is_there, within=seconds(30))

    publishing = asyncio.create_task(publish())
    for seen in (0, 200, 400):
        await counts_more_than(seen)
        statistics.process.kill()
        statistics.process.start()
        await asyncio.to_thread(statistics.wait_ready)
    await publishing

    await eventually_counts(statistics, "killed", 1_200)
    for window in ("minute", "hour"):
        rows = await statistics.rows(window=window, by="job", id="killed")
        assert sums(rows) == everything_read(1_200)


async def test_the_broker_killed_in_mid_stream_costs_no_change_and_no_restart(
    statistics: RunningStatistics, feed: Projector, stack: Stack
) -> None:
    process = statistics.process.pid
    for _ in range(20):
        await feed.publish(read_messages(50, job_id="broker"))

    await asyncio.to_thread(stack.kafka.kill)
    await asyncio.to_thread(stack.kafka.start)
    async with Projector(stack.kafka.bootstrap) as after:
        await after.publish(read_messages(100, job_id="broker"))

    await eventually_counts(statistics, "broker", 1_100)
    assert statistics.process.pid == process


async def test_a_process_that_slept_through_its_session_starts_afresh_and_misses_nothing(
    statistics: RunningStatistics, feed: Projector
) -> None:
    process = statistics.process.pid
    await feed.publish(read_messages(10, job_id="slept"))
    await eventually_counts(statistics, "slept", 10)

    statistics.process.suspend()
    for _ in range(24):
        await feed.publish(read_messages(10, job_id="slept"))
        await asyncio.sleep(0.5)
    statistics.process.resume()

    await eventually_counts(statistics, "slept", 250)
    assert statistics.process.pid == process


async def test_started_while_the_broker_is_away_it_waits_and_then_counts(
    statistics: RunningStatistics, stack: Stack
) -> None:
    statistics.process.kill()
    await asyncio.to_thread(stack.kafka.stop)
    statistics.process.start()
    await eventually(lambda: says_it_is_alive(statistics), within=seconds(20))
    assert (await statistics.ask(window="total", by="job")).status_code == 503

    await asyncio.to_thread(stack.kafka.start)
    await asyncio.to_thread(statistics.wait_ready)

    async with Projector(stack.kafka.bootstrap) as projector:
        await projector.publish(read_messages(7, job_id="early"))
    await eventually_counts(statistics, "early", 7)


async def says_it_is_alive(statistics: RunningStatistics) -> bool:
    try:
        return (await statistics.client.get("/healthz")).is_success
    except httpx.TransportError:
        return False
