"""Fetchers for tests: each a process of its own, between a real Kafka and a simulator."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import sqlalchemy as sa
from aiokafka import AIOKafkaProducer

from deploy import wiring
from deploy.processes import Process, python_module
from deploy.simulated_provider import WORLD
from schemas.topics.provider_events import (
    PROVIDER_EVENTS,
    InboundMedia,
    MediaEvent,
    MediaLost,
    MediaStored,
    MessageReceived,
    ProviderEvent,
    event_types,
)
from schemas.topics.topic import EVENT_TYPE
from tests.eventually import eventually
from tests.given import NOON, SENDER
from tests.sealed import VAULT, opened_file
from tests.services.dispatcher.tails import Tail, reading_all
from tests.simulators import RunningSimulator

STARTS_WITHIN = timedelta(seconds=60)
SOON = timedelta(seconds=60)
"""For what takes a moment on a quiet machine."""


@dataclass(frozen=True, slots=True)
class RunningFetcher:
    """A fetcher that answers on its health port."""

    process: Process
    url: str
    files: Path
    """Its store."""

    async def metrics(self) -> str:
        """Return its metrics page."""
        async with httpx.AsyncClient(trust_env=False) as client:
            return (await client.get(self.url + "/metrics", timeout=30)).text

    async def wait_ready(self) -> None:
        """Return when it can do its work."""
        await asyncio.to_thread(self.process.wait_ready, self.url + "/readyz", STARTS_WITHIN)

    def kept(self) -> dict[str, bytes]:
        """Return every file in its store, by its key."""
        return {
            str(path.relative_to(self.files)): path.read_bytes()
            for path in self.files.rglob("*")
            if path.is_file() and path.name != "probe"
        }


async def opened(running: RunningFetcher, engine: sa.Engine, key: str) -> bytes:
    """Return a file of its store as it was sent."""
    return await opened_file(running.files, engine, VAULT, key)


def fetcher_process(environment: Mapping[str, str], logs: Path) -> RunningFetcher:
    """Return one that is not started yet, on a free port, with a store below ``logs``."""
    seat = next(seat for seat in wiring.seats({}) if seat.service == "fetcher")
    own = wiring.seat_environment(seat, logs)
    log = logs / f"fetcher-{seat.port}.log"
    settings = wiring.NO_PROXY | own | dict(environment)
    process = Process("fetcher", python_module(seat.module), settings, log)
    return RunningFetcher(process, seat.url, logs / "media")


async def start_fetcher(environment: Mapping[str, str], logs: Path) -> RunningFetcher:
    """Start one and return when it is ready."""
    running = fetcher_process(environment, logs)
    running.process.start()
    await running.wait_ready()
    return running


async def stop_fetcher(running: RunningFetcher) -> None:
    """End it, whatever state it is in."""
    if running.process.is_running():
        await asyncio.to_thread(running.process.terminate)


@dataclass(frozen=True, slots=True)
class Outside:
    """Everybody around a fetcher: a provider with files, an ingester, who reads what is told."""

    provider: RunningSimulator
    facts: Tail[ProviderEvent]
    database: sa.Engine
    _producer: AIOKafkaProducer

    async def tell(self, *events: ProviderEvent) -> None:
        """Publish events, as the ingester does."""
        for event in events:
            await self._producer.send_and_wait(
                PROVIDER_EVENTS.name,
                value=msgspec.json.encode(event),
                key=PROVIDER_EVENTS.key(event).encode(),
            )

    async def tell_as(
        self, kind: type[ProviderEvent], event: ProviderEvent, *, before: ProviderEvent
    ) -> None:
        """Publish an event under the type of another, in the partition of the one before which."""
        [event_type] = event_types(kind)
        await self._producer.send_and_wait(
            PROVIDER_EVENTS.name,
            value=msgspec.json.encode(event),
            key=PROVIDER_EVENTS.key(before).encode(),
            headers=[(EVENT_TYPE, event_type.encode())],
        )

    def keep_file(self, data: bytes | None = None, **order: object) -> str:
        """Let the provider have a file, true or with a fault; return its media id."""
        given = {} if data is None else {"base64": b64encode(data).decode()}
        with httpx.Client(trust_env=False) as client:
            url = self.provider.provider.url + WORLD + "/media"
            said = client.post(url, json=given | order)
            return said.raise_for_status().json()["id"]

    def said_of(self, message: MessageReceived) -> list[MediaEvent]:
        """Return everything that was said so far of a message's file."""
        return [
            event
            for event in self.facts.records
            if isinstance(event, MediaStored | MediaLost)
            and event.provider_message_id == message.provider_message_id
        ]

    async def fate_of(self, message: MessageReceived) -> MediaStored | MediaLost:
        """Return what is said first of a message's file, once it is."""

        async def said() -> list[MediaEvent]:
            await self.facts.read()
            return self.said_of(message)

        return (await eventually(said, within=SOON))[0]

    async def row_of(self, message: MessageReceived, **wanted: object) -> dict[str, Any]:
        """Return what the table says of a message's file, once it says what is wanted."""

        def row() -> dict[str, Any]:
            found = self._row(message)
            assert {name: found.get(name) for name in wanted} == wanted
            return found

        return await eventually(row, within=SOON)

    def is_known(self, message: MessageReceived) -> bool:
        """Tell whether the table says anything of a message's file."""
        return bool(self._row(message))

    def _row(self, message: MessageReceived) -> dict[str, Any]:
        with self.database.connect() as connection:
            query = sa.text("SELECT * FROM inbound_media WHERE provider_message_id = :id")
            named = {"id": message.provider_message_id}
            found = connection.execute(query, named).mappings().first()
            return dict(found) if found else {}


@asynccontextmanager
async def an_outside(
    bootstrap: str, provider: RunningSimulator, database: sa.Engine
) -> AsyncGenerator[Outside]:
    """Connect to everything."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        async with reading_all(PROVIDER_EVENTS, bootstrap) as facts:
            yield Outside(provider, facts, database, producer)
    finally:
        await producer.stop()


def a_message_with(
    media_id: str,
    *,
    of: str = "image",
    data: bytes | None = None,
    **media: Any,  # noqa: ANN401 - any field of the file
) -> MessageReceived:
    """Return a message that came with a file; ``data``: the announced SHA-256 is its."""
    digest = {} if data is None else {"sha256": b64encode(sha256(data).digest()).decode()}
    return MessageReceived(
        channel="whatsapp",
        provider_message_id=f"wamid.{uuid4().hex}",
        sender_id=SENDER,
        author="16505550001",
        message_type=of,
        content={"id": media_id},
        occurred_at=NOON,
        media=InboundMedia(id=media_id, **(digest | media)),
    )
