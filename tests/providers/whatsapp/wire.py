"""A provider made of bytes: answers that no HTTP library would send, and broken connections."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Reader = asyncio.StreamReader
Writer = asyncio.StreamWriter
Answer = Callable[[Writer], Awaitable[None]]
"""Answers one request; the connection stays open unless it closes it."""


@dataclass(slots=True)
class Wire:
    """Takes requests and answers each as it is told to."""

    answer: Answer
    port: int = 0
    requests: list[bytes] = field(default_factory=list[bytes])
    """Head and body of each, as they came."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v24.0"

    async def serve(self, reader: Reader, writer: Writer) -> None:
        try:
            while True:
                self.requests.append(await _request(reader))
                await self.answer(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has gone
        finally:
            writer.close()


@asynccontextmanager
async def a_wire(answer: Answer) -> AsyncGenerator[Wire]:
    """Listen on a free port."""
    wire = Wire(answer)
    server = await asyncio.start_server(wire.serve, "127.0.0.1", 0)
    wire.port = server.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        server.close()


def says(status: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
    """Answer ``HTTP/1.1 {status}`` with that body."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return says_bytes("\r\n".join([*lines, "", ""]).encode() + body)


def says_bytes(raw: bytes) -> Answer:
    """Answer these bytes."""

    async def answer(writer: Writer) -> None:
        writer.write(raw)
        await writer.drain()

    return answer


async def says_nothing(writer: Writer) -> None:
    """Take the request and stay silent for ever."""
    await asyncio.Event().wait()
    del writer


async def resets(writer: Writer) -> None:
    """Take the request and reset the connection."""
    writer.transport.abort()


def says_half(raw: bytes) -> Answer:
    """Answer these bytes and end the connection."""

    async def answer(writer: Writer) -> None:
        writer.write(raw)
        await writer.drain()
        writer.close()

    return answer


def in_turn(*answers: Answer) -> Answer:
    """Answer the first request by the first answer, and so on."""
    left = iter(answers)

    async def answer(writer: Writer) -> None:
        await next(left)(writer)

    return answer


async def _request(reader: Reader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
    length = int(lengths[0].partition(b":")[2]) if lengths else 0
    return head + await reader.readexactly(length)
