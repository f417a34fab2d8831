"""A callback's least: an ASGI application that checks the signature and hands the bytes to Kafka.

`python -m bench.bare_ingester PORT BOOTSTRAP`: the raw limit of the ingester, in a process like it.
"""

import hmac
import logging
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import uvicorn
from aiokafka import AIOKafkaProducer

from bench.arena import APP_SECRET
from bench.load import bare_producer
from schemas.topics.provider_events import PROVIDER_EVENTS

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

HEADER = b"x-hub-signature-256"


class BareIngester:
    """The application."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._open = AsyncExitStack()
        self._producer: AIOKafkaProducer | None = None

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request, or run the lifespan."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["method"] == "POST":
            body = await _body(receive)
            given = next(value for name, value in scope["headers"] if name == HEADER)
            await _answer(send, 200 if await self._take(body, given) else 403)
        else:
            await _answer(send, 200)

    async def _take(self, body: bytes, given: bytes) -> bool:
        signed = "sha256=" + hmac.digest(APP_SECRET.encode(), body, "sha256").hex()
        if self._producer is None or not hmac.compare_digest(signed.encode(), given):
            return False
        await self._producer.send_and_wait(PROVIDER_EVENTS.name, value=body)
        return True

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._producer = await self._open.enter_async_context(bare_producer(self._bootstrap))
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._open.aclose()
        await send({"type": "lifespan.shutdown.complete"})


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        event = await receive()
        body += event.get("body", b"")
        if not event.get("more_body", False):
            return body


async def _answer(send: Send, status: int) -> None:
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"2")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"OK"})


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    uvicorn.run(
        BareIngester(sys.argv[2]),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
    )
