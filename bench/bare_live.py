"""A bare fan-out: every record goes, as it is, to the sockets that named its key's beginning.

    python -m bench.bare_live PORT BOOTSTRAP

No tenants, wishes, cursors or queues; each socket is sent to in turn.
"""

import asyncio
import sys
from collections import defaultdict
from contextlib import suppress
from typing import Final
from urllib.parse import parse_qs

import uvicorn
from aiokafka import AIOKafkaConsumer
from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope

from schemas.topics.status_changes import STATUS_CHANGES

EVERYTHING: Final = ""


class BareLive:
    """An ASGI application."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._sockets: defaultdict[str, set[ASGISendCallable]] = defaultdict(set)

    async def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "websocket":
            await self._socket(scope["query_string"], receive, send)
        else:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"OK", "more_body": False})

    async def _socket(
        self, query: bytes, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        named = parse_qs(query.decode()).get("conversationId", [EVERYTHING])[0]
        await receive()
        await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
        await send({"type": "websocket.send", "bytes": None, "text": '{"type":"hello"}'})
        self._sockets[named].add(send)
        while (await receive())["type"] != "websocket.disconnect":
            pass
        self._sockets[named].discard(send)

    async def _live(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await receive()
        consumer = AIOKafkaConsumer(
            STATUS_CHANGES.name,
            bootstrap_servers=self._bootstrap,
            isolation_level="read_committed",
            auto_offset_reset="latest",
        )
        await consumer.start()
        for place in consumer.assignment():
            await consumer.position(place)
        reading = asyncio.create_task(self._fan_out(consumer))
        await send({"type": "lifespan.startup.complete"})
        await receive()
        reading.cancel()
        await consumer.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _fan_out(self, consumer: AIOKafkaConsumer) -> None:
        while True:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    named = (record.key or b"").rpartition(b":")[0].decode()
                    text = (record.value or b"").decode()
                    for send in [*self._sockets[named], *self._sockets[EVERYTHING]]:
                        with suppress(OSError):
                            await send({"type": "websocket.send", "bytes": None, "text": text})


if __name__ == "__main__":
    uvicorn.run(
        BareLive(sys.argv[2]),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        log_config=None,
        access_log=False,
    )
