"""One try to tell the product something: a POST, timed and noted in the ledger."""

import time
from io import BytesIO

import aiohttp

from simulator.ledger import Attempt, Callback
from simulator.world import World

SUCCESS = 200  # 201 and 204 are failures too
_LARGE = 1024 * 1024


class Courier:
    """A client with connections kept alive and a limit for each answer."""

    def __init__(self, world: World, timeout_s: float) -> None:
        self._world = world
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session: aiohttp.ClientSession | None = None

    def start(self) -> None:
        """Open the client; needs the running loop."""
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
        self._session = aiohttp.ClientSession(connector=connector, timeout=self._timeout)

    async def stop(self) -> None:
        """Close the client."""
        if self._session is not None:
            await self._session.close()

    async def deliver(self, callback: Callback) -> int:
        """POST a callback; return the answer's HTTP status, 0 when none came in time."""
        began = time.perf_counter()
        status = await self._post(callback)
        took_ms = (time.perf_counter() - began) * 1000
        attempt = Attempt(self._world.clock.now(), status, took_ms)
        self._world.ledger.note_attempt(callback, attempt)
        return status

    async def _post(self, callback: Callback) -> int:
        if self._session is None:
            raise RuntimeError("the courier was not started")
        try:
            async with self._session.post(
                callback.url,
                data=_sendable(callback.body),
                headers=callback.headers,
                allow_redirects=False,
            ) as response:
                await response.read()
                return response.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            return 0


def _sendable(body: bytes) -> bytes | BytesIO:
    """Return the body so that a large one goes out in parts and holds nobody up."""
    return body if len(body) < _LARGE else BytesIO(body)
