"""A callback's least: an ASGI application that checks the signature and hands records to Kafka.

`python -m bench.bare_ingester PORT BOOTSTRAP`: the raw limit of the ingester, in a process like it.
At `/records` each status becomes a record like the ingester's, at `/` the body becomes one, as it
is.
"""

import hmac
import logging
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from itertools import cycle, islice
from typing import Any

import uvicorn
from aiokafka import AIOKafkaProducer

from bench.arena import APP_SECRET
from bench.callbacks import body_of
from bench.load import bare_producer, publish
from providers.whatsapp.callbacks import parse
from runtime.clock import now
from schemas.topics.provider_events import PROVIDER_EVENTS
from schemas.topics.topic import Outgoing
from services.ingest_webhook.handlers import SOURCE

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

HEADER = b"x-hub-signature-256"
RECORDS = "/records"
PREPARED = 10_000
A_STATUS = b'"timestamp"'
"""Stands once in each status."""


class BareIngester:
    """The application."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._open = AsyncExitStack()
        self._producer: AIOKafkaProducer | None = None
        self._prepared = cycle(_prepared())

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request, or run the lifespan."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["method"] == "POST":
            body = await _body(receive)
            given = next(value for name, value in scope["headers"] if name == HEADER)
            records = None if scope["path"] == "/" else body.count(A_STATUS)
            await _answer(send, 200 if await self._take(body, given, records) else 403)
        else:
            await _answer(send, 200)

    async def _take(self, body: bytes, given: bytes, records: int | None) -> bool:
        signed = "sha256=" + hmac.digest(APP_SECRET.encode(), body, "sha256").hex()
        if self._producer is None or not hmac.compare_digest(signed.encode(), given):
            return False
        if records is None:
            await self._producer.send_and_wait(PROVIDER_EVENTS.name, value=body)
        else:
            await publish(self._producer, list(islice(self._prepared, records)))
        return True

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._producer = await self._open.enter_async_context(bare_producer(self._bootstrap))
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._open.aclose()
        await send({"type": "lifespan.shutdown.complete"})


def _prepared() -> list[Outgoing]:
    """Return records as the ingester makes them, of names as long as the callbacks'."""
    told = parse(body_of(f"bare-0-{number}-0" for number in range(PREPARED)))
    return PROVIDER_EVENTS.records(told.events, source=SOURCE, at=now())


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
