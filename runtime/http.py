"""What every HTTP face shares: the application shell, its server, health and metrics."""

import logging
import socket
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Final

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from fastapi_offline import FastAPIOffline
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import ClientDisconnect
from uvicorn.config import STARTUP_FAILURE

from runtime.http_protocol import Limits, bounded

Check = Callable[[], Awaitable[str | None]]
"""Returns what is wrong, None when all is well. Must answer within a second."""

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

Drain = Callable[[], Awaitable[None]]
"""Must end within a few seconds."""

SHUTDOWN_SECONDS = 10
"""How long requests in progress may take to end after SIGTERM."""

SWITCH_SECONDS = 0.001
"""How long a busy thread may keep the loop waiting: it answers everybody, and Python's 5 ms add up
where each answer takes several turns of both."""

_JSON: Final[dict[str, Any]] = {"application/json": {}}

LARGEST_FRAME = 64 * 1_024
"""Bytes of a WebSocket's frame that a client may send us."""


@dataclass(frozen=True, slots=True)
class Face:
    """How a service shows itself."""

    title: str
    description: str
    ready: Check
    lifespan: Lifespan
    drain: Drain | None = None
    """Lets go of connections that would not end by themselves, before the server closes them."""


def application(face: Face) -> FastAPI:
    """Return an application with ``/healthz``, ``/readyz`` and ``/metrics``."""
    # The pages under /docs bring their own scripts: a browser without the internet shows them too.
    app = FastAPIOffline(title=face.title, description=face.description, lifespan=face.lifespan)
    app.state.drain = face.drain

    @app.get("/healthz", tags=["operations"], summary="Is the process alive?")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get(
        "/readyz",
        tags=["operations"],
        summary="Can it do its work now?",
        responses={503: {"description": "No; `reason` says why.", "content": _JSON}},
    )
    async def readyz() -> Response:
        problem = await face.ready()
        if problem is None:
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "not ready", "reason": problem}, status_code=503)

    @app.get(
        "/metrics",
        tags=["operations"],
        summary="Prometheus metrics",
        response_class=PlainTextResponse,
    )
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return app


def serve(
    app: FastAPI, *, host: str, port: int, fd: int | None = None, limits: Limits | None = None
) -> None:
    """Run the application until SIGTERM or SIGINT, then drain.

    ``fd`` is a listening socket that somebody else opened; host and port are then not used.
    ``limits`` are for a face that the internet sees.
    """
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        fd=fd,
        loop="uvloop",
        http="httptools" if limits is None else bounded(limits),
        ws="websockets-sansio",
        # Our frames are small and go to thousands: compressing each for each costs more than it
        # saves, in time and in memory.
        ws_per_message_deflate=False,
        ws_max_size=LARGEST_FRAME,
        log_config=None,
        access_log=False,
        server_header=False,
        # Whoever wants to believe a proxy says which.
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    # uvicorn tells of each WebSocket with its whole address, which may name a person.
    logging.getLogger("uvicorn.error").addFilter(_names_no_address)
    sys.setswitchinterval(SWITCH_SECONDS)
    server = _Server(config, app.state.drain)
    server.run()
    if not server.started:
        sys.exit(STARTUP_FAILURE)


def _names_no_address(record: logging.LogRecord) -> bool:
    return '"WebSocket %s"' not in str(record.msg)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, drain: Drain | None) -> None:
        super().__init__(config)
        self._drain = drain

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the door, let go of those inside, and end."""
        for listener in self.servers:
            listener.close()
        if self._drain is not None:
            await self._drain()
        await super().shutdown(sockets)


async def raw_body(
    request: Request, *, limit: int, arrived: Callable[[int], None] | None = None
) -> bytes | None:
    """Return the body's raw bytes, or None as soon as more than ``limit`` bytes have come.

    ``arrived`` is told the size of each part before it is kept, and may raise. Raises
    `ClientDisconnect` where the caller hangs up.
    """
    parts: list[bytes] = []
    size, receive = 0, request.receive
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > limit:
            return None
        if arrived is not None:
            arrived(len(part))
        if message.get("more_body", False):
            parts.append(part)
        else:
            return b"".join((*parts, part)) if parts else part
