"""Who takes a long time, or many connections, takes them from nobody (S5)."""

import asyncio
import time
from typing import Final

import pytest

from tests.eventually import eventually, seconds
from tests.services.ingest_webhook.ingesters import (
    GRAPH,
    RunningIngester,
    StartIngester,
    a_callback,
    a_provider_id,
)

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

SLOW_CALLERS: Final = 300
ROUNDS: Final = 3


class TestSlowCallers:
    async def test_whoever_trickles_is_hung_up_on_and_hinders_nobody(
        self, an_ingester: StartIngester
    ) -> None:
        ingester = await an_ingester(INGEST_HEAD_WITHIN="PT2S", INGEST_BODY_WITHIN="PT3S")
        bound = max(4 * await slowest_of(ingester, 200), 0.25)

        # What else the machine does may hold up some once; whoever is hindered is so each time.
        rounds = [await beside_slow_callers(ingester)]
        while rounds[-1] >= bound and len(rounds) < ROUNDS:
            rounds.append(await beside_slow_callers(ingester))

        assert rounds[-1] < bound

    async def test_a_body_long_in_coming_gives_its_room_to_others(
        self, an_ingester: StartIngester
    ) -> None:
        size = 4_096
        ingester = await an_ingester(INGEST_BODY_BYTES=f"{size}", INGEST_IN_FLIGHT_BYTES=f"{size}")
        slow = await ingester.begin(b" " * size, hold_back=1)

        async def finds_no_room() -> bool:
            return (await ingester.post(a_callback(a_provider_id()))).status_code == 503

        async def finds_room() -> bool:
            return not await finds_no_room()

        await eventually(finds_no_room, within=seconds(5))
        await eventually(finds_room, within=seconds(5))
        assert await slow.answer() == b"HTTP/1.1 408 Request Timeout"

    async def test_blank_lines_keep_no_connection(self, an_ingester: StartIngester) -> None:
        ingester = await an_ingester(INGEST_HEAD_WITHIN="PT0.5S")

        assert await trickle(ingester.port, b"\r\n" * 100, pause=0.1) < 3

    async def test_a_refused_body_keeps_no_connection(self, an_ingester: StartIngester) -> None:
        ingester = await an_ingester(INGEST_HEAD_WITHIN="PT0.5S")
        head = f"POST {GRAPH} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n".encode()

        took = await trickle(ingester.port, head + b"x" * 1_000, pause=0.1, at_once=len(head))

        assert took < 3

    async def test_an_idle_connection_is_kept(self, an_ingester: StartIngester) -> None:
        ingester = await an_ingester(INGEST_HEAD_WITHIN="PT0.5S")
        reader, writer = await asyncio.open_connection("127.0.0.1", ingester.port)
        question = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"

        lines: list[bytes] = []
        for _ in range(2):
            writer.write(question)
            lines.append(await reader.readline())
            await reader.readuntil(b'{"status":"ok"}')
            # Longer than a head may take: that is the condition.
            await asyncio.sleep(1)
        writer.close()

        assert lines == [b"HTTP/1.1 200 OK\r\n"] * 2

    async def test_beyond_its_connections_nobody_is_let_in_and_nobody_disturbed(
        self, an_ingester: StartIngester
    ) -> None:
        ingester = await an_ingester(INGEST_CONNECTIONS="3")
        await ingester.post(a_callback(a_provider_id()))
        idle = [await asyncio.open_connection("127.0.0.1", ingester.port) for _ in range(3)]

        last, _ = idle[-1]
        async with asyncio.timeout(3):
            hung_up = await last.read()
        answer = await ingester.post(a_callback(a_provider_id()))
        for _, writer in idle:
            writer.close()

        assert hung_up == b""
        assert answer.status_code == 200


HEADS: Final = (
    f"POST {GRAPH} HTTP/1.1\r\nHost: x\r\nX-Slow: ".encode(),
    f"POST {GRAPH} HTTP/1.1\r\nHost: x\r\nX-Hub-Signature-256: sha256=0\r\n"
    "Content-Length: 1000\r\n\r\n".encode(),
    b"",
)
"""Cut off in the head, in the body, and before anything."""


async def trickle(port: int, words: bytes, *, pause: float = 0.5, at_once: int = 140) -> float:
    """Send the words slowly after the first; return after how many seconds we are hung up on."""
    began = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    ended = asyncio.create_task(reader.read())
    writer.write(words[:at_once])
    rest = words[at_once:] + b"x" * 1_000
    try:
        for place in range(len(rest)):
            await asyncio.wait([ended], timeout=pause)
            if ended.done():
                break
            if words:
                writer.write(rest[place : place + 1])
        await asyncio.gather(ended, return_exceptions=True)
    finally:
        writer.close()
    return time.monotonic() - began


async def beside_slow_callers(ingester: RunningIngester) -> float:
    """Return the same beside callers who trickle, all of whom are hung up on."""
    async with asyncio.TaskGroup() as tasks:
        gone = [
            tasks.create_task(trickle(ingester.port, HEADS[number % len(HEADS)]))
            for number in range(SLOW_CALLERS)
        ]
        beside = await slowest_of(ingester, 200)
    assert max(task.result() for task in gone) < 8
    return beside


async def slowest_of(ingester: RunningIngester, posts: int) -> float:
    """Return the 99th percentile of that many healthy posts, in seconds."""
    took: list[float] = []
    for _ in range(posts):
        began = time.monotonic()
        answer = await ingester.post(a_callback(a_provider_id()))
        took.append(time.monotonic() - began)
        assert answer.status_code == 200
    return sorted(took)[posts * 99 // 100]
