"""Dispatchers for tests: each a process of its own, between a real Kafka and a simulator."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
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
from domain.failures import ErrorCode
from schemas.topics.provider_events import (
    ProviderEvent,
    SendAccepted,
    SendDeferred,
    SendRejected,
    SendStarted,
)
from schemas.topics.send_requests import SEND_REQUESTS, SendRequested, conversation_of
from tests.eventually import eventually
from tests.given import a_send_request
from tests.services.dispatcher.tails import Tail
from tests.simulators import RunningSimulator

STARTS_WITHIN = timedelta(seconds=60)
SOON = timedelta(seconds=60)
"""For what takes a moment on a quiet machine."""

IMPATIENT = {
    "WHATSAPP_ANSWER_WITHIN": "PT2S",
    "DISPATCHER_CLAIM_LASTS": "PT2S",
    "DISPATCHER_ABANDONED_AFTER": "PT5S",
    "DISPATCHER_SETTLE_AFTER": "PT2S",
}
"""Claims of the dead are noticed in seconds."""
PATIENT = {"WHATSAPP_ANSWER_WITHIN": "PT60S", "DISPATCHER_ABANDONED_AFTER": "PT120S"}
"""Calls may hang for long, to be killed meanwhile."""


@dataclass(frozen=True, slots=True)
class RunningDispatcher:
    """A dispatcher that answers on its health port."""

    process: Process
    url: str

    async def metric(self, sample: str) -> float:
        """Return the value of one line of /metrics, 0 where it is missing."""
        async with httpx.AsyncClient(trust_env=False) as client:
            page = (await client.get(self.url + "/metrics", timeout=30)).text
        lines = (line.rpartition(" ") for line in page.splitlines())
        return next((float(value) for name, _, value in lines if name == sample), 0.0)

    async def wait_ready(self) -> None:
        """Return when it can do its work."""
        await asyncio.to_thread(self.process.wait_ready, self.url + "/readyz", STARTS_WITHIN)


async def start_dispatcher(
    bootstrap: str, database_url: str, provider: Mapping[str, str], logs: Path, **environment: str
) -> RunningDispatcher:
    """Start one on a free port; return when it can do its work."""
    running = launch_dispatcher(bootstrap, database_url, provider, logs, **environment)
    await running.wait_ready()
    return running


def launch_dispatcher(
    bootstrap: str, database_url: str, provider: Mapping[str, str], logs: Path, **environment: str
) -> RunningDispatcher:
    """Start one on a free port, whether or not it will ever be ready."""
    seat = next(seat for seat in wiring.seats({}) if seat.service == "dispatcher")
    settings = wiring.NO_PROXY | {
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "DATABASE_URL": database_url,
        "HTTP_PORT": str(seat.port),
    }
    log = logs / f"dispatcher-{seat.port}.log"
    environment = settings | dict(provider) | environment
    running = RunningDispatcher(
        Process("dispatcher", python_module(seat.module), environment, log), seat.url
    )
    running.process.start()
    return running


async def stop_dispatcher(running: RunningDispatcher) -> None:
    """End it, whatever state it is in."""
    if running.process.is_running():
        await asyncio.to_thread(running.process.terminate)


class Upstream:
    """Asks for messages, as any system may."""

    def __init__(self, bootstrap: str) -> None:
        self._producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap, acks="all", enable_idempotence=True
        )

    async def start(self) -> None:
        await self._producer.start()

    async def stop(self) -> None:
        await self._producer.stop()

    async def ask(self, *requests: SendRequested, partition: int | None = None) -> None:
        """Publish requests; in their conversations' partitions unless told otherwise."""
        for request in requests:
            value = msgspec.json.encode(request)
            await self.put(value, key=conversation_of(request), partition=partition)

    async def put(self, value: bytes, *, key: str = "k", partition: int | None = None) -> None:
        """Publish any bytes."""
        await self._producer.send_and_wait(
            SEND_REQUESTS.name, value=value, key=key.encode(), partition=partition
        )


def a_request(last_four: str = "0001", *, name: str = "msg", **what_matters: Any) -> SendRequested:  # noqa: ANN401 - any field
    """Return a request to one of the simulator's people; what its id begins with finds rules."""
    return a_send_request(
        message_id=f"{name}_{uuid4().hex}", recipient=f"+1650555{last_four}", **what_matters
    )


def add_rule(
    provider: RunningSimulator,
    match: Mapping[str, Any],
    knobs: Mapping[str, Any],
    *,
    count: int | None = None,
) -> None:
    """Tell the simulator how to treat some calls, or only the first so many of them."""
    with httpx.Client(trust_env=False) as client:
        body = {"match": dict(match), "knobs": dict(knobs), "count": count}
        answer = client.post(provider.provider.url + WORLD + "/rules", json=body)
        answer.raise_for_status()


def calls_for(provider: RunningSimulator, message_id: str) -> int:
    """Return how often the provider was called for a message, whatever it answered."""
    with httpx.Client(trust_env=False) as client:
        query = {"opaque": message_id}
        said = client.get(provider.provider.url + WORLD + "/ledger/calls", params=query)
        return said.raise_for_status().json()["total"]


def about(events: Sequence[ProviderEvent], message_id: str) -> list[ProviderEvent]:
    """Return what was said of a message."""
    return [event for event in events if event.message_id == message_id]  # type: ignore[union-attr]


async def outcome(tail: Tail[ProviderEvent], message_id: str) -> SendAccepted | SendRejected | None:
    """Return how a message's sending ended; None before."""
    ends = [
        event
        for event in about(await tail.read(), message_id)
        if isinstance(event, SendAccepted | SendRejected)
    ]
    return ends[0] if ends else None


async def ends_of(
    facts: Tail[ProviderEvent], requests: Sequence[SendRequested]
) -> list[SendAccepted | SendRejected]:
    """Return how each request ended, once all have."""

    async def all_ends() -> list[SendAccepted | SendRejected] | None:
        ends = {
            event.message_id: event
            for event in reversed(await facts.read())
            if isinstance(event, SendAccepted | SendRejected)
        }
        found = [ends[one.message_id] for one in requests if one.message_id in ends]
        return found if len(found) == len(requests) else None

    ends = await eventually(all_ends, within=SOON)
    assert ends is not None
    return ends


def codes(end: SendAccepted | SendRejected) -> tuple[ErrorCode, str | None]:
    assert isinstance(end, SendRejected), end
    return end.failure.code, end.failure.detail


def story(events: Sequence[ProviderEvent]) -> list[tuple[str, int]]:
    """Return what happened, with the attempts' numbers: started 1, accepted 1."""
    return [
        (type(event).__name__.removeprefix("Send").lower(), event.attempt)
        for event in events
        if isinstance(event, SendStarted | SendAccepted | SendRejected | SendDeferred)
    ]


def state_of(engine: sa.Engine, message_id: str) -> str | None:
    """Return what the ledger says of a message."""
    with engine.connect() as connection:
        query = sa.text("SELECT state FROM dispatch_ledger WHERE message_id = :id")
        return connection.execute(query, {"id": message_id}).scalar()
