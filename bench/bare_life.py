"""The least that this architecture must do for a message: its whole life without our code.

One loop reads requests, calls the simulator with 64 calls in flight and puts the answers on
`provider-events`; the bare ingester puts the callbacks there; a message's life ends when the
callback that says it was read can be consumed. No ledger, no database, no projection.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import httpx
import msgspec
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from httpx_aiohttp import AiohttpTransport

from bench.arena import ACCESS_TOKEN, Arena
from bench.bare_processes import bare_ingester
from bench.costs import Meter, difference
from bench.load import BARE_REQUESTS, bare_producer, bare_requests, offer
from bench.measurement import BenchError, Reading
from bench.readers import reader
from deploy.pipeline import Pipeline
from deploy.wiring import GRAPH_VERSION
from schemas.topics.provider_events import PROVIDER_EVENTS

IN_FLIGHT = 64
READ = b'"status":"read"'
ENDS_WITHIN = timedelta(seconds=60)

Request = dict[str, Any]


@dataclass(frozen=True, slots=True)
class BareLife:
    """What the least costs."""

    reading: Reading
    """Of the loop's own process: the processor time of both, requests and answers."""
    cpu_ms: dict[str, float]
    """A message, by process: `ingest_webhook` is the bare one."""


def bare_life(arena: Arena, count: int) -> BareLife:
    """Lead that many messages through the bare loop."""
    with bare_ingester(arena) as (ingester, url):
        provider = {"SIM_CALLBACK_URL": url}
        with arena.system(simulator_env=provider) as system:
            # Two numbers' 2,000 messages a second would be its limit, not the machine's.
            system.simulator.set_knobs({"wa.rate": 0})
            meter = Meter(system)
            before = meter.cpu_seconds() | {"ingest_webhook": ingester.cpu_seconds()}
            reading = uvloop.run(_live(system, count))
            after = meter.cpu_seconds() | {"ingest_webhook": ingester.cpu_seconds()}
    spent = difference(before, after) | {"dispatcher": reading.cpu_seconds}
    return BareLife(reading, {name: each * 1_000 / count for name, each in spent.items()})


async def _live(system: Pipeline, count: int) -> Reading:
    records = await bare_requests(system.bootstrap, count, "bare")
    async with AsyncExitStack() as opened:
        producer = await opened.enter_async_context(bare_producer(system.bootstrap))
        asked = await opened.enter_async_context(reader(system.bootstrap, BARE_REQUESTS))
        told = await opened.enter_async_context(reader(system.bootstrap, PROVIDER_EVENTS.name))
        client = await opened.enter_async_context(bare_client(system.urls["simulator"]))
        await opened.enter_async_context(calling_all(asked, client, producer, IN_FLIGHT))
        began, cpu = time.perf_counter(), time.process_time()
        await offer(producer, records)
        await _until_read(told, count)
        took, cpu = time.perf_counter() - began, time.process_time() - cpu
    return Reading(count, took, cpu)


@asynccontextmanager
async def bare_client(
    simulator_url: str, in_flight: int = IN_FLIGHT
) -> AsyncGenerator[httpx.AsyncClient]:
    """Lend httpx with the aiohttp transport, set up for the Cloud API."""
    client = httpx.AsyncClient(
        transport=AiohttpTransport(limits=httpx.Limits(max_connections=2 * in_flight)),
        base_url=f"{simulator_url}/{GRAPH_VERSION}/",
        headers={"Authorization": f"Bearer {ACCESS_TOKEN}", "Content-Type": "application/json"},
        timeout=20,
    )
    async with client:
        yield client


async def bare_call(client: httpx.AsyncClient, request: Request) -> httpx.Response:
    """Send one request's message."""
    body = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": request["recipient"],
        "type": "text",
        "text": {"body": request["content"]["body"]},
        "biz_opaque_callback_data": request["messageId"],
    }
    path = f"{request['senderId']}/messages"
    answer = await client.post(path, content=msgspec.json.encode(body))
    if not answer.is_success:
        raise BenchError(f"the simulator refused a bare call: HTTP {answer.status_code}")
    return answer


@asynccontextmanager
async def calling_all(
    asked: AIOKafkaConsumer,
    client: httpx.AsyncClient,
    producer: AIOKafkaProducer,
    in_flight: int,
) -> AsyncGenerator[None]:
    """Call for each request and publish the answer as it came, during the block.

    Raises `BenchError` out of the block when a call fails: the others would be waited for in vain.
    """
    try:
        async with asyncio.TaskGroup() as tasks:
            calling = tasks.create_task(_call_all(asked, client, producer, in_flight))
            yield
            calling.cancel()
    except ExceptionGroup as failed:
        first = _first(failed)
        raise BenchError(f"the bare loop failed: {type(first).__name__}: {first}") from failed


def _first(error: Exception) -> Exception:
    """Return what a group of errors began with."""
    if not isinstance(error, ExceptionGroup):
        return error
    return _first(cast("ExceptionGroup[Exception]", error).exceptions[0])


async def _call_all(
    asked: AIOKafkaConsumer,
    client: httpx.AsyncClient,
    producer: AIOKafkaProducer,
    in_flight: int,
) -> None:
    waiting: asyncio.Queue[Request] = asyncio.Queue(1_000)

    async def call_each() -> None:
        while True:
            request = await waiting.get()
            answer = await bare_call(client, request)
            await producer.send(
                PROVIDER_EVENTS.name, value=answer.content, key=request["messageId"].encode()
            )

    async with asyncio.TaskGroup() as tasks:
        for _ in range(in_flight):
            tasks.create_task(call_each())
        while True:
            polled = await asked.getmany(timeout_ms=200)
            for records in polled.values():
                for record in records:
                    await waiting.put(msgspec.json.decode(record.value or b""))


async def _until_read(told: AIOKafkaConsumer, count: int) -> None:
    read = 0
    try:
        async with asyncio.timeout(ENDS_WITHIN.total_seconds()):
            while read < count:
                polled = await told.getmany(timeout_ms=200)
                for records in polled.values():
                    read += sum((record.value or b"").count(READ) for record in records)
    except TimeoutError as error:
        raise BenchError(f"the bare loop read {read} of {count} messages in time") from error
