"""A TCP proxy in front of the broker that interferes with the commits of transactions (R5).

It knows as much of Kafka's protocol as that takes: frames begin with their length, requests with
the number of their API, and answers come in the order of the requests. The broker tells clients
its own address, which would lead them past the proxy, so that address is replaced in the answers
that carry it; both have the same length.
"""

import asyncio
import struct
from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from typing import Self

METADATA, FIND_COORDINATOR, END_TXN = 3, 10, 26
CARRY_ADDRESSES = (METADATA, FIND_COORDINATOR)
HOST = b"127.0.0.1"


class Fate(Enum):
    """What becomes of a commit."""

    LATE = "late"
    """It reaches the broker long after its producer gave it up."""
    LOST = "lost"
    """It never does; the connection breaks."""
    UNANSWERED = "unanswered"
    """The broker commits, but its answer is lost with the connection."""


@dataclass(slots=True)
class Ambush:
    """Waits for one commit; `sprung` once it came, `over` once its fate is fulfilled."""

    fate: Fate
    delay: timedelta = timedelta()
    sprung: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)


class Proxy:
    """``async with Proxy(port) as proxy:`` listens on `proxy.bootstrap` for that broker."""

    def __init__(self, broker_port: int) -> None:
        self._broker_port = broker_port
        self._server: asyncio.Server | None = None
        self._ambushes: deque[Ambush] = deque()
        self._links: set[asyncio.Task[None]] = set()
        self.port = 0

    @property
    def bootstrap(self) -> str:
        """What a client gets as KAFKA_BOOTSTRAP_SERVERS."""
        return f"127.0.0.1:{self.port}"

    def lay(self, fate: Fate, delay: timedelta = timedelta()) -> Ambush:
        """Decide on the next commit that comes."""
        ambush = Ambush(fate, delay)
        self._ambushes.append(ambush)
        return ambush

    def next_ambush(self) -> Ambush | None:
        """Return what awaits the commit that has just come."""
        return self._ambushes.popleft() if self._ambushes else None

    def readdressed(self, answer: bytes) -> bytes:
        """Return an answer that leads to us wherever it led to the broker."""
        return answer.replace(_address(self._broker_port), _address(self.port))

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for link in self._links:
            link.cancel()
        await asyncio.gather(*self._links, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("asyncio serves each connection in a task")
        self._links.add(task)
        try:
            broker = await asyncio.open_connection("127.0.0.1", self._broker_port)
            await _Link(self, (reader, writer), broker).run()
        except (OSError, asyncio.CancelledError):
            # The broker is away, one side has gone, or all is over. Nobody awaits this task, and
            # asyncio would log its cancellation as an error.
            return
        finally:
            self._links.discard(task)
            writer.close()


Side = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Link:
    """One client's connection and the one to the broker behind it."""

    def __init__(self, proxy: Proxy, client: Side, broker: Side) -> None:
        self._proxy = proxy
        self._client = client
        self._broker = broker
        # APIs of the requests that are not answered yet, in their order.
        self._asked: deque[int] = deque()
        self._mute = False
        self._swallowed = asyncio.Event()

    async def run(self) -> None:
        """Pass frames on until one side ends, or an ambush breaks the connection."""
        answers = asyncio.create_task(self._pass_answers())
        try:
            await self._pass_requests()
        finally:
            answers.cancel()
            await asyncio.gather(answers, return_exceptions=True)
            self._client[1].close()
            self._broker[1].close()

    async def _pass_requests(self) -> None:
        while (frame := await _frame(self._client[0])) is not None:
            (api,) = struct.unpack_from(">h", frame)
            ambush = self._proxy.next_ambush() if api == END_TXN else None
            if ambush is None:
                await self._ask(api, frame)
            elif not await self._fulfil(ambush, frame):
                return

    async def _fulfil(self, ambush: Ambush, frame: bytes) -> bool:
        """Let the commit meet its fate; return whether the connection lives on."""
        ambush.sprung.set()
        try:
            # Also when its sender has gone meanwhile: on a network, too, it is on its way.
            await asyncio.sleep(ambush.delay.total_seconds())
            if ambush.fate is Fate.LOST:
                return False
            if ambush.fate is Fate.LATE:
                await self._ask(END_TXN, frame)
                return True
            self._mute = True
            await self._ask(END_TXN, frame)
            await self._swallowed.wait()
            return False
        finally:
            ambush.over.set()

    async def _ask(self, api: int, frame: bytes) -> None:
        self._asked.append(api)
        await _put(self._broker[1], frame)

    async def _pass_answers(self) -> None:
        while (frame := await _frame(self._broker[0])) is not None:
            api = self._asked.popleft()
            if self._mute and api == END_TXN:
                break
            answer = self._proxy.readdressed(frame) if api in CARRY_ADDRESSES else frame
            await _put(self._client[1], answer)
        self._swallowed.set()
        self._client[1].close()


async def _frame(reader: asyncio.StreamReader) -> bytes | None:
    """Return the next frame without its length; None at the end."""
    try:
        (length,) = struct.unpack(">i", await reader.readexactly(4))
        return await reader.readexactly(length)
    except (asyncio.IncompleteReadError, OSError):
        return None


async def _put(writer: asyncio.StreamWriter, frame: bytes) -> None:
    writer.write(struct.pack(">i", len(frame)) + frame)
    await writer.drain()


def _address(port: int) -> bytes:
    return struct.pack(">h", len(HOST)) + HOST + struct.pack(">i", port)
