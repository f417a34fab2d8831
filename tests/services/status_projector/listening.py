"""Clients of live push in tests: what they hear over a WebSocket or an event stream."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from runtime.callers import Caller
from tests.callers import EVERYBODY, signed_in
from tests.services.status_projector.projectors import SOON, RunningProjector, frame_from

Frame = dict[str, Any]


async def frames_until(socket: ClientConnection, last: Mapping[str, Any]) -> list[Frame]:
    """Return the frames up to the first event whose data has these values."""
    frames = [await frame_from(socket)]
    while not _has(frames[-1], last):
        frames.append(await frame_from(socket))
    return frames


def numbers_of(frames: list[Frame], message_id: str) -> list[int]:
    """Return the numbers of a message's changes, as they were told."""
    found = (frame.get("data", {}) for frame in frames)
    return [data["sequence"] for data in found if data.get("messageId") == message_id]


@dataclass(slots=True)
class Follower:
    """A client that hears of one conversation, and comes back whenever it is let go."""

    conversation_id: str
    cursor: str | None = None
    heard: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    codes: list[int | None] = field(default_factory=list[int | None])
    gaps: int = 0
    greeted: asyncio.Event = field(default_factory=asyncio.Event)

    async def follow(self, running: RunningProjector, count: int) -> None:
        """Listen until it has heard of so many changes, or until it is let go."""
        query = f"?conversationId={self.conversation_id}"
        if self.cursor is not None:
            query += f"&cursor={self.cursor}"
        try:
            async with running.socket(query) as socket:
                while len(self.heard) < count:
                    self._hear(await frame_from(socket))
        except ConnectionClosed as closed:
            self.codes.append(closed.rcvd.code if closed.rcvd else None)

    def _hear(self, frame: Frame) -> None:
        self.cursor = frame.get("cursor", self.cursor)
        self.greeted.set()
        if frame["type"] == "gap":
            self.gaps += 1
        if frame["type"] == "message.status":
            self.heard.append((frame["data"]["messageId"], frame["data"]["sequence"]))


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One event of an event stream."""

    id: str
    kind: str
    data: Frame


@asynccontextmanager
async def event_stream(
    running: RunningProjector,
    query: str,
    *,
    last_event_id: str | None = None,
    caller: Caller = EVERYBODY,
) -> AsyncGenerator[AsyncGenerator[StreamEvent]]:
    """Open an event stream as an EventSource would."""
    headers = signed_in(caller)
    if last_event_id is not None:
        headers["Last-Event-ID"] = last_event_id
    async with (
        asyncio.timeout(SOON.total_seconds()),
        running.client.stream("GET", "/api/v1/im/events" + query, headers=headers) as response,
    ):
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        yield _events(response)


async def _events(response: httpx.Response) -> AsyncGenerator[StreamEvent]:
    lines: dict[str, str] = {}
    async for line in response.aiter_lines():
        if line:
            name, _, value = line.partition(": ")
            lines[name] = value
        elif "data" in lines:
            yield StreamEvent(lines.get("id", ""), lines["event"], json.loads(lines["data"]))
            lines = {}


def _has(frame: Frame, last: Mapping[str, Any]) -> bool:
    data = frame.get("data", {})
    return all(data.get(name) == value for name, value in last.items())
