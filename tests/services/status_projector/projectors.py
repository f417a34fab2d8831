"""Projectors for tests: each a process of its own, between a real Kafka and a real database."""

import asyncio
import json
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

from deploy import wiring
from deploy.processes import Process, python_module
from runtime.callers import Caller
from runtime.kafka.producer import Producer
from schemas.topics.status_changes import STATUS_CHANGES, StatusChanged
from schemas.topics.topic import Outgoing
from tests.callers import EVERYBODY, signed_in
from tests.given import NOON
from tests.services.dispatcher.tails import Tail
from tests.services.status_projector.facts import Life, Record, topic_of
from tests.topic_keys import TOPIC_KEYS

STARTS_WITHIN = timedelta(seconds=60)
SOON = timedelta(seconds=60)
"""For what takes a moment on a quiet machine."""


@dataclass(frozen=True, slots=True)
class RunningProjector:
    """A projector that answers."""

    process: Process
    url: str
    client: httpx.AsyncClient

    async def status(self, message_id: str) -> httpx.Response:
        """Ask where a message is."""
        return await self.client.get(f"/api/v1/im/messages/{message_id}/status")

    @asynccontextmanager
    async def live(self, query: str = "", **options: Any) -> AsyncGenerator[ClientConnection]:  # noqa: ANN401 - websockets'
        """Connect for live changes and take the greeting."""
        async with self.socket(query, **options) as socket:
            assert (await frame_from(socket))["type"] == "hello"
            yield socket

    def socket(
        self,
        query: str = "",
        *,
        caller: Caller = EVERYBODY,
        **options: Any,  # noqa: ANN401 - websockets'
    ) -> connect:
        """Return a connection for live changes, to be entered."""
        uri = self.url.replace("http:", "ws:") + "/api/v1/im/ws" + query
        headers = signed_in(caller)
        return connect(uri, proxy=None, open_timeout=30, additional_headers=headers, **options)

    async def metric(self, sample: str) -> float:
        """Return the value of one line of /metrics, 0 where it is missing."""
        page = (await self.client.get("/metrics")).text
        lines = (line.rpartition(" ") for line in page.splitlines())
        return next((float(value) for name, _, value in lines if name == sample), 0.0)


async def frame_from(socket: ClientConnection) -> dict[str, Any]:
    """Return the next event."""
    async with asyncio.timeout(SOON.total_seconds()):
        return json.loads(await socket.recv())


async def start_projector(
    bootstrap: str, database_url: str, logs: Path, **environment: str
) -> RunningProjector:
    """Start one on a free port."""
    seat = next(seat for seat in wiring.seats({}) if seat.service == "status_projector")
    settings = {
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "DATABASE_URL": database_url,
        "HTTP_PORT": str(seat.port),
    }
    log = logs / f"projector-{seat.port}.log"
    process = Process("projector", python_module(seat.module), settings | environment, log)
    process.start()
    await asyncio.to_thread(process.wait_ready, seat.url + "/readyz", STARTS_WITHIN)
    client = httpx.AsyncClient(base_url=seat.url, trust_env=False, timeout=30, headers=signed_in())
    return RunningProjector(process, seat.url, client)


async def stop_projector(running: RunningProjector) -> None:
    """End it, whatever state it is in."""
    await running.client.aclose()
    if running.process.is_running():
        await asyncio.to_thread(running.process.terminate)


class Writer:
    """Puts records on the projector's topics, as the other services do."""

    def __init__(self, bootstrap: str) -> None:
        self._producer = Producer(bootstrap, "test", TOPIC_KEYS)

    async def stop(self) -> None:
        await self._producer.stop()

    async def write(self, records: Iterable[Record]) -> None:
        """Publish requests and events under their own keys."""
        await self.put([_outgoing(record) for record in records])

    async def change(self, changes: Iterable[StatusChanged]) -> None:
        """Publish changes, as a projector does."""
        await self.put([STATUS_CHANGES.record(one, source="/test", at=NOON) for one in changes])

    async def put(self, records: Sequence[Outgoing]) -> None:
        """Publish any records."""
        await self._producer.publish(records, within=SOON)


def _outgoing(record: Record) -> Outgoing:
    return topic_of(record).record(record, source="/test", at=NOON)


def whole(life: Life) -> list[Record]:
    """Return everything that is said of a message that is read."""
    return [
        life.request(),
        life.started(),
        life.accepted(),
        life.reported("delivered", 5),
        life.reported("read", 9),
    ]


WHOLE = ["sending", "sent", "delivered", "read"]
"""The statuses of a life that is told in its order."""


async def changes_of(tail: Tail[StatusChanged], lives: Iterable[Life]) -> dict[str, list[int]]:
    """Return the numbers of each message's changes, sorted; a number twice is there twice."""
    numbers: dict[str, list[int]] = {life.message_id: [] for life in lives}
    for change in await tail.read():
        if change.message_id in numbers:
            numbers[change.message_id].append(change.sequence)
    return {message_id: sorted(found) for message_id, found in numbers.items()}


async def last_statuses(tail: Tail[StatusChanged], lives: Iterable[Life]) -> set[str | None]:
    """Return the statuses that the messages' last changes lead to; None for one without any."""
    newest: dict[str, StatusChanged] = {}
    for change in await tail.read():
        known = newest.get(change.message_id)
        if known is None or known.sequence < change.sequence:
            newest[change.message_id] = change
    found = [newest.get(life.message_id) for life in lives]
    return {None if change is None else change.to_status.value for change in found}
