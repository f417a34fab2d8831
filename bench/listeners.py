"""Thousands of WebSocket clients in one process, and the changes whose way to them is timed."""

import asyncio
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
"""Seconds between two publishings."""
HEARD_WITHIN: Final = 30.0
"""Seconds after the last change; what is not heard by then is missed."""
ACKNOWLEDGED_WITHIN: Final = timedelta(seconds=10)

_MESSAGE: Final = re.compile(r'"messageId":"([^"]+)"')


@dataclass(slots=True)
class Heard:
    """How long each delivery took, in seconds, and how many there should have been."""

    expected: int
    took: list[float] = field(default_factory=list[float])

    @property
    def missed(self) -> int:
        """How many never came."""
        return self.expected - len(self.took)


class Crowd:
    """The clients: each listens to a conversation of its own, a few to everything."""

    def __init__(self, *, each: int, dashboards: int, run: str) -> None:
        self._names = [f"live-{run}-{number}" for number in range(each)]
        self._dashboards = dashboards
        self._sent: dict[str, float] = {}
        self._heard = Heard(0)
        self._all_heard = asyncio.Event()

    @asynccontextmanager
    async def listening(self, url: str, headers: Mapping[str, str]) -> AsyncGenerator[None]:
        """Have all of them connected and greeted."""
        queries = [f"?conversationId={name}" for name in self._names] + [""] * self._dashboards
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
            tasks: list[asyncio.Task[None]] = []
            for start in range(0, len(queries), AT_A_TIME):
                greeted = [asyncio.Event() for _ in queries[start : start + AT_A_TIME]]
                for query, event in zip(queries[start:], greeted, strict=False):
                    listen = self._listen(session, url + query, event)
                    tasks.append(asyncio.create_task(listen))
                await asyncio.gather(*(event.wait() for event in greeted))
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)

    async def timed(self, bootstrap: str, *, per_second: int, seconds: float) -> Heard:
        """Publish changes at an even pace, and return how long they took to everybody."""
        producer = Producer(bootstrap, "bench")
        began, count, total = time.monotonic(), 0, int(per_second * seconds)
        self._heard = Heard(total * (1 + self._dashboards))
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

    async def _listen(
        self, session: aiohttp.ClientSession, url: str, greeted: asyncio.Event
    ) -> None:
        async with session.ws_connect(url, max_msg_size=0) as socket:
            await socket.receive()
            greeted.set()
            async for said in socket:
                named = _MESSAGE.search(said.data)
                sent = None if named is None else self._sent.get(named[1])
                if sent is not None:
                    self._heard.took.append(time.perf_counter() - sent)
                    if not self._heard.missed:
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
