"""Pushes status changes to connected clients (ST-15, IM-36).

Each process reads all of ``status-changes`` for its own clients, outside any consumer group, and
only while it has clients. A client is greeted once the reading has begun, so from the greeting on
it misses nothing; what came before it asks for.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

import msgspec
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from fastapi import WebSocket, WebSocketDisconnect

from domain.lifecycle import Status
from runtime.auth import subprotocol
from runtime.errors import BrokerAway
from schemas.topics.status_changes import STATUS_CHANGES, StatusChanged
from schemas.topics.topic import MalformedRecord
from services.status_projector.metrics import CLIENTS, DROPPED

log = logging.getLogger(__name__)

BACKLOG = 1_000
"""Events kept for a client that is slow for a moment; beyond it the client is let go of, and asks
again when it reconnects: a slow client never slows the others."""
TOO_SLOW = 1013
"""WebSocket close code "try again later"."""
HELLO = msgspec.json.encode({"type": "hello"}).decode()


@dataclass(frozen=True, slots=True)
class Wish:
    """What a client wants to hear of; with nothing named, of everything."""

    message_ids: frozenset[str]
    job_ids: frozenset[str]
    tenant_id: str | None
    """Whose changes; None: everybody's."""

    def covers(self, change: StatusChanged) -> bool:
        """Return whether the change is wanted."""
        if self.tenant_id is not None and change.tenant_id != self.tenant_id:
            return False
        if not self.message_ids and not self.job_ids:
            return True
        return change.message_id in self.message_ids or change.job_id in self.job_ids


class _Client:
    def __init__(self, wish: Wish) -> None:
        self.wish = wish
        self.frames: asyncio.Queue[str | None] = asyncio.Queue(BACKLOG)

    def offer(self, frame: str) -> bool:
        """Return whether there was room for the frame."""
        if self.frames.full():
            return False
        self.frames.put_nowait(frame)
        return True

    def end(self) -> None:
        """Let the client go once it has read what it still has room for."""
        if self.frames.full():
            self.frames.get_nowait()
        self.frames.put_nowait(None)


class Hub:
    """The clients of this process, and the one reader that feeds them."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._clients: set[_Client] = set()
        self._wanted = asyncio.Event()
        self._is_reading = False

    async def serve(
        self, socket: WebSocket, wish: Wish, until_gone: Callable[[], Awaitable[None]]
    ) -> None:
        """Push to one client until it leaves, falls too far behind, or may not listen any more."""
        await socket.accept(subprotocol=subprotocol(socket))
        client = _Client(wish)
        self._clients.add(client)
        CLIENTS.set(len(self._clients))
        self._wanted.set()
        if self._is_reading:
            client.offer(HELLO)
        try:
            async with asyncio.TaskGroup() as tasks:
                watcher = tasks.create_task(_until_gone(socket))
                keeper = tasks.create_task(self._end_after(until_gone, client))
                await self._push(socket, client)
                watcher.cancel()
                keeper.cancel()
        except* WebSocketDisconnect:
            log.debug("live.client_left")
        finally:
            self._forget(client)

    async def run(self) -> None:
        """Read while there are clients. Raises `BrokerAway` when the broker cannot be reached."""
        while True:
            await self._wanted.wait()
            await self._read_while_wanted()

    async def _read_while_wanted(self) -> None:
        # Without a group, naming the topic here assigns all of its partitions.
        consumer = AIOKafkaConsumer(
            STATUS_CHANGES.name,
            bootstrap_servers=self._bootstrap,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="latest",
        )
        try:
            await consumer.start()
            await _go_to_end(consumer)
            self._is_reading = True
            for client in self._clients:
                client.offer(HELLO)
            while self._clients:
                polled = await consumer.getmany(timeout_ms=500)
                for records in polled.values():
                    self._push_all(record.value for record in records)
        except KafkaError as error:
            raise BrokerAway(type(error).__name__) from error
        finally:
            self._is_reading = False
            self._let_all_go()
            await consumer.stop()

    def _push_all(self, values: Iterable[bytes | None]) -> None:
        for value in values:
            try:
                change = STATUS_CHANGES.decode(value)
            except MalformedRecord:
                continue  # not written by us; the topic's other readers reject it
            frame: str | None = None
            for client in list(self._clients):
                if client.wish.covers(change):
                    frame = frame or frame_of(change)
                    if not client.offer(frame):
                        DROPPED.inc()
                        self._end(client)

    async def _push(self, socket: WebSocket, client: _Client) -> None:
        while (frame := await client.frames.get()) is not None:
            await socket.send_text(frame)
        await socket.close(TOO_SLOW)

    async def _end_after(self, until_gone: Callable[[], Awaitable[None]], client: _Client) -> None:
        await until_gone()
        self._end(client)

    def _let_all_go(self) -> None:
        for client in list(self._clients):
            self._end(client)

    def _end(self, client: _Client) -> None:
        self._forget(client)
        client.end()

    def _forget(self, client: _Client) -> None:
        self._clients.discard(client)
        CLIENTS.set(len(self._clients))
        if not self._clients:
            self._wanted.clear()


async def _go_to_end(consumer: AIOKafkaConsumer) -> None:
    places = consumer.assignment()
    if not places:
        raise BrokerAway("status-changes is not known yet")
    ends = await consumer.end_offsets(places)
    for place, offset in ends.items():
        consumer.seek(place, offset)


async def _until_gone(socket: WebSocket) -> None:
    while True:
        await socket.receive_text()


def frame_of(change: StatusChanged) -> str:
    """Return the event ``message.status``: the data of ST-09, and the change's number."""
    status = Status.SENDING if change.to_status is Status.PENDING else change.to_status
    data = {
        "messageId": change.message_id,
        "status": status,
        "sequence": change.sequence,
        "sentAt": change.sent_at,
        "deliveredAt": change.delivered_at,
        "readAt": change.read_at,
        "failedAt": change.failed_at,
        "errorCode": None if change.error is None else change.error.code,
        "errorMessage": None if change.error is None else change.error.message,
        "jobId": change.job_id,
    }
    return msgspec.json.encode({"type": "message.status", "data": data}).decode()
