"""Thousands of WebSocket clients in one process, and the changes whose way to them is timed."""

import asyncio
import random
import re
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import aiohttp

from domain.lifecycle import Source, Status
from runtime.kafka.producer import Producer
from schemas.topics.status_changes import STATUS_CHANGES, StatusChanged

AT_A_TIME: Final = 100
"""Connections that are opened together."""
TICK: Final = 0.05
"""Seconds between two publishings, and between two looks."""
HEARD_WITHIN: Final = 30.0
"""Seconds after the last change; what is not heard by then is missed."""
BACK_WITHIN: Final = 60.0
"""Seconds; as long as the projector keeps what it told, at this pace."""
TRIES_EVERY: Final = 1.0
"""Seconds, at most, until a client whom nobody answered tries again; as browsers do."""
ACKNOWLEDGED_WITHIN: Final = timedelta(seconds=10)

_MESSAGE: Final = re.compile(r'"messageId":"([^"]+)"')
_CURSOR: Final = re.compile(r'"cursor":"([^"]+)"')


@dataclass(slots=True)
class Heard:
    """How long each delivery took, in seconds, and how many there should have been."""

    expected: int
    took: list[float] = field(default_factory=list[float])
    repeated: int = 0
    """Deliveries of what the same client had heard before."""
    silence: float = 0.0
    """Seconds in which nobody heard anything, at the longest."""

    @property
    def missed(self) -> int:
        """How many never came."""
        return self.expected - len(self.took)


@dataclass(slots=True)
class _Client:
    """One listener, over all its connections."""

    query: str
    said: str = ""
    """The last frame."""
    heard: set[str] = field(default_factory=set[str])
    greeted_at: float = 0.0

    def address(self) -> str:
        """Return what it asks for; once it has heard something, from there on."""
        cursor = _CURSOR.search(self.said)
        parts = [self.query, f"cursor={cursor[1]}" if cursor else ""]
        return "?" + "&".join(filter(None, parts))


class Crowd:
    """The clients: each listens to a conversation of its own, a few to everything.

    Who is let go comes back at once, with the cursor of what it heard last.
    """

    def __init__(self, *, each: int, dashboards: int, run: str) -> None:
        self._names = [f"live-{run}-{number}" for number in range(each)]
        self._dashboards = dashboards
        queries = [f"conversationId={name}" for name in self._names] + [""] * dashboards
        self._clients = [_Client(query) for query in queries]
        self._sent: dict[str, float] = {}
        self._heard = Heard(0)
        self._heard_at = 0.0
        self._all_heard = asyncio.Event()

    @asynccontextmanager
    async def listening(self, url: str, headers: Mapping[str, str]) -> AsyncGenerator[None]:
        """Have all of them connected and greeted."""
        connector = aiohttp.TCPConnector(limit=0)
        began = time.perf_counter()
        async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
            tasks: list[asyncio.Task[None]] = []
            for start in range(0, len(self._clients), AT_A_TIME):
                some = self._clients[start : start + AT_A_TIME]
                tasks += [asyncio.create_task(self._follow(session, url, one)) for one in some]
                await _until_greeted(some, since=began)
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)

    async def timed(self, bootstrap: str, *, per_second: int, seconds: float) -> Heard:
        """Publish changes at an even pace, and return how long they took to everybody."""
        producer = Producer(bootstrap, "bench", None)
        began, count, total = time.monotonic(), 0, int(per_second * seconds)
        self._heard, self._heard_at = Heard(total * (1 + self._dashboards)), time.perf_counter()
        self._all_heard.clear()
        while count < total:
            due = min(total, int((time.monotonic() - began) * per_second) + 1)
            changes = [self._change(number) for number in range(count, due)]
            count = due
            records = STATUS_CHANGES.records(changes, source="/bench", at=datetime.now(UTC))
            now = time.perf_counter()
            self._sent |= dict.fromkeys((one.message_id for one in changes), now)
            await producer.publish(records, within=ACKNOWLEDGED_WITHIN)
            await asyncio.sleep(TICK)
        with suppress(TimeoutError):
            async with asyncio.timeout(HEARD_WITHIN):
                await self._all_heard.wait()
        await producer.stop()
        return self._heard

    async def back(self, *, since: float) -> float:
        """Return how many seconds after this moment all had been greeted again.

        Raises `TimeoutError` where somebody does not come back.
        """
        async with asyncio.timeout(BACK_WITHIN):
            await _until_greeted(self._clients, since=since)
        return max(one.greeted_at for one in self._clients) - since

    async def _follow(self, session: aiohttp.ClientSession, url: str, client: _Client) -> None:
        while True:
            with suppress(aiohttp.ClientError, OSError):
                await self._listen(session, url + client.address(), client)
                continue
            await asyncio.sleep(random.uniform(0, TRIES_EVERY))  # noqa: S311 - not all at one moment

    async def _listen(self, session: aiohttp.ClientSession, url: str, client: _Client) -> None:
        async with session.ws_connect(url, max_msg_size=0) as socket:
            greeting = await socket.receive()
            if greeting.type is not aiohttp.WSMsgType.TEXT:
                return
            client.said, client.greeted_at = greeting.data, time.perf_counter()
            async for said in socket:
                client.said = said.data
                self._note(client, said.data)

    def _note(self, client: _Client, said: str) -> None:
        named = _MESSAGE.search(said)
        sent = None if named is None else self._sent.get(named[1])
        if named is None or sent is None:
            return
        heard, now = self._heard, time.perf_counter()
        heard.silence = max(heard.silence, now - self._heard_at)
        self._heard_at = now
        if named[1] in client.heard:
            heard.repeated += 1
            return
        client.heard.add(named[1])
        heard.took.append(now - sent)
        if not heard.missed:
            self._all_heard.set()

    def _change(self, number: int) -> StatusChanged:
        name, moment = self._names[number % len(self._names)], datetime.now(UTC)
        return StatusChanged(
            message_id=f"{name}:{time.perf_counter_ns()}-{number}",
            sequence=1,
            from_status=Status.PENDING,
            to_status=Status.SENDING,
            updated_at=moment,
            recorded_at=moment,
            source=Source.MANUAL,
            channel="whatsapp",
            sender_id="106540352242922",
            sent_at=moment,
            contact_id="contact_1",
            conversation_id=name,
        )


async def _until_greeted(clients: list[_Client], *, since: float) -> None:
    while not all(one.greeted_at > since for one in clients):  # noqa: ASYNC110 - a look is cheap
        await asyncio.sleep(TICK)
