"""What a send through our channel costs on top of a bare HTTP call."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial

import msgspec
import uvloop
from pydantic import SecretStr

from bench.arena import ACCESS_TOKEN, Arena
from bench.bare_life import IN_FLIGHT, Request, bare_call, bare_client
from bench.load import requests
from bench.measurement import BenchError, Measurement, Reading, in_turns
from deploy.pipeline import Pipeline
from deploy.wiring import GRAPH_VERSION
from domain.identity import MessageId, SenderId
from domain.outcomes import Accepted
from providers.contract import Message
from providers.whatsapp.client import WhatsAppChannel
from providers.whatsapp.settings import WhatsAppSettings
from schemas.topics.send_requests import SEND_REQUESTS

TITLE = "Calls of the provider"
HOW = """\
3,000 messages are sent to the simulator, its rate limits off and nobody called back, with 64 calls
in flight: through `WhatsAppChannel.send`, which builds the body and says what the answer means, and
through a bare httpx client with the same transport that looks at the status only. The rate is bound
by the simulator's single process; the processor time is the caller's alone. Medians of three."""

CALLS = 3_000
UNLIMITED = {"wa.rate": 0, "wa.pair": [0, 0]}

Call = Callable[[], Awaitable[None]]


def run(arena: Arena) -> list[Measurement]:
    """Send the same messages in both ways."""
    count = arena.scaled(CALLS)
    with arena.system() as system:
        system.simulator.set_knobs(UNLIMITED)
        pair = in_turns(
            arena.repeats,
            ours=lambda number: uvloop.run(_ours(system, count, f"ours-{number}")),
            bare=lambda number: uvloop.run(_bare(system, count, f"bare-{number}")),
        )
    return [pair.rate("provider_calls_per_s", "calls/s"), pair.cpu("provider_call_cpu")]


async def _ours(system: Pipeline, count: int, name: str) -> Reading:
    settings = WhatsAppSettings(
        whatsapp_api_base_url=f"{system.urls['simulator']}/{GRAPH_VERSION}",
        whatsapp_access_token=SecretStr(ACCESS_TOKEN),
    )
    channel = WhatsAppChannel(settings)

    async def send(message: Message) -> None:
        reply = await channel.send(message)
        if not isinstance(reply, Accepted):
            raise BenchError(f"a send ended in {reply}")

    messages = [_message(record.value) for record in requests(count, name)]
    reading = await _timed(iter([partial(send, message) for message in messages]), count)
    await channel.close()
    return reading


async def _bare(system: Pipeline, count: int, name: str) -> Reading:
    asked: list[Request] = [msgspec.json.decode(one.value) for one in requests(count, name)]
    async with bare_client(system.urls["simulator"]) as client:

        async def send(request: Request) -> None:
            await bare_call(client, request)

        return await _timed(iter([partial(send, request) for request in asked]), count)


async def _timed(calls: Iterator[Call], count: int) -> Reading:
    async def call_each() -> None:
        for call in calls:
            await call()

    began, cpu = time.perf_counter(), time.process_time()
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        for _ in range(IN_FLIGHT):
            tasks.create_task(call_each())
    return Reading(count, time.perf_counter() - began, time.process_time() - cpu)


def _message(value: bytes) -> Message:
    request = SEND_REQUESTS.decode(value)
    return Message(
        MessageId(request.message_id),
        SenderId(request.sender_id),
        request.recipient,
        request.content,
    )
