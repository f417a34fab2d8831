"""What can go wrong between two machines, done on the real connection (section 7.1)."""

import asyncio
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.utils import formatdate
from operator import attrgetter

from starlette.types import Receive, Scope, Send

from simulator.chance import Chance
from simulator.knobs import Knobs, Ratio
from simulator.wire import HTML, JSON, Answer, Headers, until_disconnected, write

TRANSPORT = "simulator.transport"  # key of the connection in the scope's extensions
TRAP_PATH = "/_trap"
_LONGEST_HOLD_S = 120
_DRIP_S = 0.5
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 s: RST instead of FIN
_DATE_AHEAD_S = 5


@dataclass(slots=True, frozen=True)
class Exchange:
    """One HTTP request and the means to answer it, or not."""

    scope: Scope
    receive: Receive
    send: Send
    knobs: Knobs
    chance: Chance


def _connection(exchange: Exchange) -> asyncio.Transport:
    return exchange.scope["extensions"][TRANSPORT]


def is_cut(exchange: Exchange) -> bool:
    """Say whether the client has gone, or was cut off."""
    return _connection(exchange).is_closing()


async def drop(exchange: Exchange) -> None:
    """Cut the TCP connection without an answer."""
    cut(_connection(exchange))
    await until_disconnected(exchange.receive)


def cut(transport: asyncio.Transport) -> None:
    """Reset a connection: the other side sees ECONNRESET, not an orderly end."""
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()


async def hold(exchange: Exchange) -> None:
    """Give no answer until the client gives up, at most 120 s."""
    try:
        async with asyncio.timeout(_LONGEST_HOLD_S):
            await until_disconnected(exchange.receive)
    except TimeoutError:
        await drop(exchange)


_GRAPH_5XX = (
    b'{"error":{"message":"An unexpected error has occurred. Please retry your request later.",'
    b'"type":"OAuthException","is_transient":true,"code":2,"fbtrace_id":"A0simulated0simulated00"}}'
)
_SERVER_ERRORS: tuple[tuple[Answer, float], ...] = (
    (Answer(500, _GRAPH_5XX), 1),
    (Answer(502, b"<html><body><h1>502 Bad Gateway</h1></body></html>", HTML), 1),
    (Answer(503, _GRAPH_5XX), 1),
    (Answer(504, b"", ()), 1),
)


async def server_error(exchange: Exchange) -> None:
    """Answer like a proxy or an API in trouble: JSON, HTML or nothing."""
    answer = exchange.chance.pick("net.http_5xx.kind", _SERVER_ERRORS)
    headers = [*answer.headers, *retry_after(exchange.knobs)]
    await write(exchange.send, Answer(answer.status, answer.body, headers))


async def redirect(exchange: Exchange) -> None:
    """Send the client to another host; a careful one does not take its token there."""
    _, port = exchange.scope["server"]
    target = f"http://localhost:{port}{TRAP_PATH}{exchange.scope['path']}"
    await write(exchange.send, Answer(302, b"", ((b"location", target.encode()),)))


def retry_after(knobs: Knobs) -> Headers:
    """Return the `Retry-After` header that the knob asks for, if any."""
    value = knobs.net_retry_after
    if value == "off":
        return ()
    if value == "date":
        value = formatdate(time.time() + _DATE_AHEAD_S, usegmt=True)
    return ((b"retry-after", value.encode()),)


async def answer(exchange: Exchange, given: Answer) -> None:
    """Send the answer as it is."""
    await write(exchange.send, given)


async def _drop_answer(exchange: Exchange, given: Answer) -> None:
    del given
    await drop(exchange)


async def _hold_answer(exchange: Exchange, given: Answer) -> None:
    del given
    await hold(exchange)


async def _garble(exchange: Exchange, given: Answer) -> None:
    bodies = ((given.body[: len(given.body) // 2], 1.0), (b"ok", 1.0), (b"{}", 1.0))
    body = exchange.chance.pick("net.bad_body.kind", bodies)
    await write(exchange.send, Answer(200, body, JSON))


async def drip(exchange: Exchange, given: Answer) -> None:
    """Send the answer one byte every 500 ms."""
    length = (b"content-length", str(len(given.body)).encode())
    headers = [*given.headers, length]
    start = {"type": "http.response.start", "status": given.status, "headers": headers}
    await exchange.send(start)
    for byte in given.body:
        if is_cut(exchange):
            return
        part = {"type": "http.response.body", "body": bytes([byte]), "more_body": True}
        await exchange.send(part)
        await asyncio.sleep(_DRIP_S)
    await exchange.send({"type": "http.response.body", "body": b""})


Before = Callable[[Exchange], Awaitable[None]]
After = Callable[[Exchange, Answer], Awaitable[None]]

_OUTAGES: dict[str, tuple[str, Before]] = {
    "5xx": ("net.outage", server_error),
    "reset": ("net.outage", drop),
    "timeout": ("net.outage", hold),
}
_BEFORE: tuple[tuple[str, Callable[[Knobs], Ratio], Before], ...] = (
    ("net.reset_before", attrgetter("net_reset_before"), drop),
    ("net.timeout_before", attrgetter("net_timeout_before"), hold),
    ("net.http_5xx", attrgetter("net_http_5xx"), server_error),
    ("net.redirect", attrgetter("net_redirect"), redirect),
)
# The faults after which the client has no answer.
WITHHOLDING = frozenset({"net.reset_after", "net.timeout_after"})
_AFTER: tuple[tuple[str, Callable[[Knobs], Ratio], After], ...] = (
    ("net.reset_after", attrgetter("net_reset_after"), _drop_answer),
    ("net.timeout_after", attrgetter("net_timeout_after"), _hold_answer),
    ("net.bad_body", attrgetter("net_bad_body"), _garble),
    ("net.slow_drip", attrgetter("net_slow_drip"), drip),
)


def before(knobs: Knobs, chance: Chance) -> tuple[str, Before] | None:
    """Choose the fault that keeps a call from being processed: its knob and what it does."""
    if knobs.net_outage != "off":
        return _OUTAGES[knobs.net_outage]
    for name, ratio, fault in _BEFORE:
        if chance.happens(name, ratio(knobs)):
            return name, fault
    return None


def after(knobs: Knobs, chance: Chance) -> tuple[str, After]:
    """Choose how the answer of a processed call is given or withheld; "" is the plain way."""
    for name, ratio, fault in _AFTER:
        if chance.happens(name, ratio(knobs)):
            return name, fault
    return "", answer
