"""How many callbacks, and bytes of them, may be worked on at once (architecture, promise 9)."""

from collections.abc import Generator
from contextlib import contextmanager

from services.ingest_webhook.refusals import Overloaded


class Admission:
    """A bounded number of places. Nobody waits for one: the provider is the better queue."""

    def __init__(self, *, callbacks: int, body_bytes: int) -> None:
        self._callbacks = callbacks
        self._bytes = body_bytes
        self.in_flight = 0
        self.bytes_in_flight = 0

    @contextmanager
    def admitted(self, body_bytes: int) -> Generator[None]:
        """Hold a place for a body of at most that size, or raise `Overloaded` at once."""
        if self.in_flight >= self._callbacks or self.bytes_in_flight + body_bytes > self._bytes:
            raise Overloaded
        self.in_flight += 1
        self.bytes_in_flight += body_bytes
        try:
            yield
        finally:
            self.in_flight -= 1
            self.bytes_in_flight -= body_bytes
