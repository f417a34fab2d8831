"""The HTTP server: uvicorn, with the means to cut connections and close the port (7.1)."""

import asyncio
import socket
from functools import partial
from typing import TYPE_CHECKING, cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from simulator.faults import TRANSPORT, cut

if TYPE_CHECKING:
    from uvicorn._types import ASGIApplication

_KEEP_ALIVE_S = 75  # longer than clients keep connections in their pools
_BACKLOG = 2048
_LOOKS, _LOOK_S = 50, 0.01  # at its end: whether the connections have closed


class CuttableProtocol(HttpToolsProtocol):
    """Hands each request the connection it came on, so that a fault can cut it."""

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        cast("dict[str, object]", self.scope)["extensions"] = {TRANSPORT: self.transport}


class Server:
    """Serves an ASGI application on one port, which can be closed for a while."""

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._config = uvicorn.Config(
            cast("ASGIApplication", app),
            http=CuttableProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(self._config)
        self._listeners: list[asyncio.Server] = []
        self._reopening: asyncio.Task[None] | None = None

    @property
    def base_url(self) -> str:
        """Where it listens, without a path."""
        return f"http://{self._host}:{self._port}"

    async def start(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        self._config.load()
        self._server.lifespan = self._config.lifespan_class(self._config)
        await self._listen()

    async def stop(self) -> None:
        """Close the port, give calls under way a second, cut the rest."""
        if self._reopening is not None:
            self._reopening.cancel()
        self._close_port()
        for connection in self._connections():
            connection.shutdown()
        for _ in range(_LOOKS):
            if not self._connections():
                break
            await asyncio.sleep(_LOOK_S)
        for connection in self._connections():
            cut(connection.transport)
        tasks = list(self._server.server_state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def calls_under_way(self) -> int:
        """Return how many calls have not been answered yet."""
        return len(self._server.server_state.tasks)

    def _connections(self) -> list[CuttableProtocol]:
        return cast("list[CuttableProtocol]", list(self._server.server_state.connections))

    def refuse_for(self, seconds: float) -> None:
        """Close the port and cut all connections; open it again after so long."""
        if self._reopening is None or self._reopening.done():
            self._reopening = asyncio.get_running_loop().create_task(self._refuse(seconds))

    async def _refuse(self, seconds: float) -> None:
        await asyncio.sleep(0.05)  # the answer to the order itself still gets out
        self._close_port()
        for connection in self._connections():
            cut(connection.transport)
        await asyncio.sleep(seconds)
        await self._listen()

    async def _listen(self) -> None:
        protocol = partial(
            CuttableProtocol,
            config=self._config,
            server_state=self._server.server_state,
            app_state={},
        )
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(
            protocol, self._host, self._port, backlog=_BACKLOG, family=socket.AF_INET
        )
        self._port = listener.sockets[0].getsockname()[1]
        self._listeners.append(listener)

    def _close_port(self) -> None:
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()
