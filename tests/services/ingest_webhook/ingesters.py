"""Ingesters for tests: each a process of its own, and how a provider speaks to one."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy import wiring
from deploy.processes import Process, python_module
from providers.whatsapp.signature import sign
from schemas.topics.provider_events import (
    PROVIDER_EVENTS,
    MessageReceived,
    ProviderEvent,
    StatusReported,
)
from schemas.topics.registry import PARTITIONS
from tests.providers.whatsapp.bodies import a_change, a_status, an_envelope, encoded
from tests.topic_keys import TOPIC_KEYS

GRAPH = "/api/whatsapp/webhook"
FLAT = "/api/v1/webhooks/whatsapp/status"

TEXT = "text/plain; charset=utf-8"

SECRET = "the-app-secret"
VERIFY_TOKEN = "the-verify-token"

STARTS_WITHIN = timedelta(seconds=30)
ANSWERS_WITHIN = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class RunningIngester:
    """An ingester that answers."""

    process: Process
    port: int
    bootstrap: str
    client: httpx.AsyncClient

    async def post(
        self, body: bytes, *, path: str = GRAPH, signature: str | None = None
    ) -> httpx.Response:
        """Post a callback as the provider does: rightly signed unless told otherwise."""
        headers = {"X-Hub-Signature-256": signature or sign(body, SECRET.encode())}
        return await self.client.post(path, content=body, headers=headers)

    async def begin(self, body: bytes, *, hold_back: int) -> "UnfinishedCallback":
        """Post all but the last bytes of a callback."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        head = (
            f"POST {GRAPH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
            f"X-Hub-Signature-256: {sign(body, SECRET.encode())}\r\n\r\n"
        )
        writer.write(head.encode() + body[:-hold_back])
        await writer.drain()
        return UnfinishedCallback(reader, writer, body[-hold_back:])

    async def metric(self, sample: str) -> float:
        """Return the value of one line of /metrics, 0 where it is missing."""
        page = (await self.client.get("/metrics")).text
        lines = (line.rpartition(" ") for line in page.splitlines())
        return next((float(value) for name, _, value in lines if name == sample), 0.0)


@dataclass(frozen=True, slots=True)
class UnfinishedCallback:
    """A callback whose last bytes have not been sent."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    rest: bytes

    async def finish(self) -> bytes:
        """Send the rest; return the answer's first line."""
        self.writer.write(self.rest)
        await self.writer.drain()
        return await self.answer()

    async def answer(self) -> bytes:
        """Return the answer's first line and hang up."""
        line = await self.reader.readline()
        await self.hang_up()
        return line.strip()

    async def hang_up(self) -> None:
        """Close the connection."""
        self.writer.close()
        await self.writer.wait_closed()


StartIngester = Callable[..., Awaitable[RunningIngester]]
"""Starts an ingester; keywords are its environment."""


async def start_ingester(
    bootstrap: str, environment: Mapping[str, str], logs: Path, *, ready_at: str = "/readyz"
) -> RunningIngester:
    """Start one on a free port."""
    seat = wiring.seats({})[1]
    settings = {
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "HTTP_PORT": str(seat.port),
        "WHATSAPP_APP_SECRET": SECRET,
        "WHATSAPP_WEBHOOK_VERIFY_TOKEN": VERIFY_TOKEN,
    }
    process = Process(
        seat.name,
        python_module(seat.module),
        settings | dict(environment),
        logs / f"{seat.name}-{seat.port}.log",
    )
    process.start()
    await asyncio.to_thread(process.wait_ready, seat.url + ready_at, STARTS_WITHIN)
    timeout = ANSWERS_WITHIN.total_seconds()
    client = httpx.AsyncClient(base_url=seat.url, trust_env=False, timeout=timeout)
    return RunningIngester(process, seat.port, bootstrap, client)


async def stop_ingester(running: RunningIngester) -> None:
    """End it, whatever state it is in."""
    await running.client.aclose()
    if running.process.is_running():
        await asyncio.to_thread(running.process.terminate)


async def events_in_kafka(bootstrap: str) -> list[ProviderEvent]:
    """Return everything on provider-events that a consumer can read at this moment."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, group_id=None, isolation_level="read_committed"
    )
    await consumer.start()
    try:
        places = [TopicPartition(PROVIDER_EVENTS.name, number) for number in range(PARTITIONS)]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        ends = await consumer.end_offsets(places)
        events: list[ProviderEvent] = []
        while any([await consumer.position(place) < ends[place] for place in places]):
            batches = await consumer.getmany(timeout_ms=200)
            records = [record for batch in batches.values() for record in batch]
            events += [TOPIC_KEYS.decode(PROVIDER_EVENTS, record) for record in records]
        return events
    finally:
        await consumer.stop()


def a_provider_id() -> str:
    """Return a provider's id that no other test uses."""
    return f"wamid.{uuid4().hex}"


def a_callback(provider_id: str) -> bytes:
    """Return a Graph callback: this message was delivered."""
    return encoded(an_envelope(a_change(statuses=[a_status(id=provider_id)])))


async def provider_ids(ingester: RunningIngester) -> list[str]:
    """Return whose events a consumer can read at this moment."""
    events = await events_in_kafka(ingester.bootstrap)
    told = [event for event in events if isinstance(event, StatusReported | MessageReceived)]
    return [event.provider_message_id for event in told]


def said(answer: httpx.Response) -> tuple[int, str, str]:
    """Return all that a provider looks at."""
    return answer.status_code, answer.headers["content-type"], answer.text
