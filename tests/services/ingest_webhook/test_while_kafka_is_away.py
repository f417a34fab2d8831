"""What is answered while the broker is gone, and that its return is enough (IM-06)."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Generator

import httpx
import pytest

from deploy.stack import Stack
from tests.eventually import eventually, seconds
from tests.services.ingest_webhook.ingesters import (
    FLAT,
    TEXT,
    RunningIngester,
    StartIngester,
    a_callback,
    a_provider_id,
    provider_ids,
    said,
)

pytestmark = [
    pytest.mark.stack,
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="module"),
]

PLEASE_RESEND = "Service temporarily unavailable, please try again"
BACK_WITHIN = seconds(40)


@pytest.fixture(autouse=True)
def kafka_lives_on(stack: Stack, kafka_bootstrap: str) -> Generator[None]:
    """Leave the others of this session the broker as it was found."""
    assert kafka_bootstrap
    yield
    stack.kafka.resume()
    stack.kafka.start()


async def timed(call: Awaitable[httpx.Response]) -> tuple[httpx.Response, float]:
    began = time.monotonic()
    return await call, time.monotonic() - began


async def is_closed(ingester: RunningIngester) -> bool:
    try:
        await ingester.client.get("/healthz")
    except (httpx.ConnectError, httpx.RemoteProtocolError, httpx.ReadError):
        return True  # the others: on a connection that was there before
    return False


async def test_a_killed_broker_means_503_within_a_second_and_its_return_is_enough(
    an_ingester: StartIngester, stack: Stack
) -> None:
    ingester = await an_ingester()
    before, during, after = a_provider_id(), a_provider_id(), a_provider_id()
    await ingester.post(a_callback(before))
    process = ingester.process.pid

    await asyncio.to_thread(stack.kafka.kill)
    first, first_took = await timed(ingester.post(a_callback(during)))
    second, second_took = await timed(ingester.post(a_callback(during), path=FLAT))
    ready = await ingester.client.get("/readyz")
    await asyncio.to_thread(stack.kafka.start)

    assert said(first) == (503, TEXT, PLEASE_RESEND)
    assert second.json() == {"code": 503, "message": PLEASE_RESEND, "data": None}
    assert first_took < 1
    assert second_took < 1
    assert ready.status_code == 503

    async def taken() -> bool:
        return (await ingester.post(a_callback(after))).status_code == 200

    await eventually(taken, within=BACK_WITHIN)
    assert ingester.process.pid == process
    assert (await ingester.client.get("/readyz")).status_code == 200
    assert {before, after} <= set(await provider_ids(ingester))


async def test_a_broker_that_is_silent_from_the_start_is_waited_for(
    an_ingester: StartIngester, stack: Stack
) -> None:
    stack.kafka.suspend()
    ingester = await an_ingester(ready_at="/healthz")
    provider_id = a_provider_id()

    answer, took = await timed(ingester.post(a_callback(provider_id)))
    ready = await ingester.client.get("/readyz")
    stack.kafka.resume()

    assert answer.status_code == 503
    assert took < 1
    assert ready.status_code == 503

    async def taken() -> bool:
        return (await ingester.post(a_callback(provider_id))).status_code == 200

    await eventually(taken, within=BACK_WITHIN)
    assert provider_id in await provider_ids(ingester)


async def test_a_broker_that_dies_while_nothing_happens_is_noticed(
    an_ingester: StartIngester, stack: Stack
) -> None:
    ingester = await an_ingester()

    await asyncio.to_thread(stack.kafka.kill)
    without, took = await timed(ingester.client.get("/readyz"))
    await asyncio.to_thread(stack.kafka.start)

    assert without.status_code == 503
    assert took < 1

    async def is_ready() -> bool:
        return (await ingester.client.get("/readyz")).status_code == 200

    await eventually(is_ready, within=BACK_WITHIN)


async def test_beyond_its_places_the_ingester_says_so_at_once(
    an_ingester: StartIngester, stack: Stack
) -> None:
    ingester = await an_ingester(INGEST_IN_FLIGHT="1", INGEST_PUBLISH_WITHIN="PT5S")
    await ingester.post(a_callback(a_provider_id()))
    stack.kafka.suspend()
    first = asyncio.create_task(ingester.post(a_callback(a_provider_id())))

    async def is_busy() -> bool:
        return await ingester.metric("ingest_in_flight") == 1

    await eventually(is_busy, within=seconds(5))
    second, took = await timed(ingester.post(a_callback(a_provider_id())))
    refused = await ingester.metric('ingest_callbacks_total{outcome="overloaded"}')
    stack.kafka.resume()

    assert second.status_code == 503
    assert second.headers["retry-after"] == "1"
    assert took < 1
    assert refused == 1
    assert (await first).status_code == 200
    assert (await ingester.post(a_callback(a_provider_id()))).status_code == 200


async def test_a_stopping_ingester_ends_what_it_has_begun(an_ingester: StartIngester) -> None:
    ingester = await an_ingester()
    provider_id = a_provider_id()
    begun = await ingester.begin(a_callback(provider_id), hold_back=1)

    stopping = asyncio.create_task(asyncio.to_thread(ingester.process.terminate))
    await eventually(lambda: is_closed(ingester), within=seconds(5))
    answer = await begun.finish()

    assert answer == b"HTTP/1.1 200 OK"
    assert await stopping == -signal.SIGTERM  # uvicorn ends by the signal, after it has drained
    assert provider_id in await provider_ids(ingester)
