"""How long and how large the head of a request may be, and how many may be connected at once.

uvicorn bounds none of this: a caller that sends its headers a byte a second would keep a socket for
ever. Here every connection that owes us a head has one timer.
"""

import asyncio
import resource
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, cast

from starlette.responses import PlainTextResponse
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

SPARE_FILES = 256
"""File descriptors beside the callers' sockets: Kafka, logs, the listening socket."""

_TOO_LARGE = PlainTextResponse(
    "Request header fields too large", status_code=431, headers={"connection": "close"}
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a caller may take before the application sees its request."""

    head_within: timedelta
    """From the connection, or the first byte of a further request, to the end of its headers."""
    head_bytes: int
    """Address and headers together."""
    connections: int
    """Whoever comes beyond that is not let in; the others are not disturbed."""


def bounded(limits: Limits) -> type[HttpToolsProtocol]:
    """Return the protocol with these limits, as uvicorn's setting ``http`` takes it."""
    make_room_for(limits.connections)
    return cast("type[HttpToolsProtocol]", partial(BoundedProtocol, limits))


def make_room_for(connections: int) -> None:
    """Raise the process's limit of open files, where it may be raised and is too low."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


class BoundedProtocol(HttpToolsProtocol):
    """One connection; closes itself when a head is overdue."""

    def __init__(self, limits: Limits, *args: Any, **more: Any) -> None:  # noqa: ANN401 - uvicorn's
        super().__init__(*args, **more)
        self._limits = limits
        self._head_is_open = True
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Let the caller in, unless too many are here."""
        super().connection_made(transport)
        if len(self.connections) > self._limits.connections:
            transport.abort()
        else:
            self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the caller."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take in some bytes; what is still no whole head is measured and timed."""
        if self._head_is_open:
            self._head_bytes += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._head_is_open and self._head_bytes > self._limits.head_bytes:
            self.transport.abort()
        elif self._head_is_open or self._is_answered():
            # Also the rest of a body that was refused, or blank lines: uvicorn ends its own timer
            # of idle connections with any byte that comes.
            self._start_timer()

    def on_message_begin(self) -> None:
        """Begin a head."""
        super().on_message_begin()
        self._head_is_open = True

    def on_headers_complete(self) -> None:
        """Hand the request over, or the refusal of its head."""
        self._head_is_open = False
        self._head_bytes = 0
        self._stop_timer()
        if len(self.url) + _size(self.headers) > self._limits.head_bytes:
            self.app = cast("Any", _TOO_LARGE)  # for good: its answer ends the connection
        super().on_headers_complete()

    def _is_answered(self) -> bool:
        # Typed as always there; before the first request it is None.
        return bool(self.cycle) and self.cycle.response_complete

    def _start_timer(self) -> None:
        if self._head_timer is None:
            within = self._limits.head_within.total_seconds()
            self._head_timer = self.loop.call_later(within, self.transport.abort)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


def _size(headers: Sequence[tuple[bytes, bytes]]) -> int:
    return sum(len(name) + len(value) for name, value in headers)
