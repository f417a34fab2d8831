"""How many callbacks, and bytes of them, may be here at once (architecture, promise 9)."""

from asyncio import Timeout
from time import monotonic
from typing import Final

from services.ingest_webhook.refusals import Overloaded

PATIENCE: Final = 1.0
"""Seconds that an unfinished body keeps its room though others need it; providers take less."""


class Admission:
    """A bounded number of places. Nobody waits for one: the provider is the better queue."""

    def __init__(self, *, callbacks: int, body_bytes: int) -> None:
        self.callbacks = callbacks
        self.body_bytes = body_bytes
        self.in_flight = 0
        self.bytes_in_flight = 0
        self.arriving: dict[Visit, None] = {}
        """Whose bodies are not whole yet, the eldest first."""


class Visit:
    """What one callback takes up, from its first byte to our answer.

    A place is taken only by a body that is whole, and a body that is long in coming gives its room
    to others: callers that send a byte a second take nothing from anybody (S5).
    """

    __slots__ = ("_admission", "_bytes", "_deadline", "_is_worked_on", "since")

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self.since = monotonic()
        self._bytes = 0
        self._deadline: Timeout | None = None
        self._is_worked_on = False

    def begin_arrival(self, deadline: Timeout) -> None:
        """Let the body come until the deadline, which is moved where others need its room."""
        self._deadline = deadline
        self._admission.arriving[self] = None

    def arrived(self, size: int) -> None:
        """Make room for that many bytes more, or raise `Overloaded`."""
        admission = self._admission
        while admission.bytes_in_flight + size > admission.body_bytes:
            eldest = next(iter(admission.arriving), self)
            if eldest is self or monotonic() - eldest.since < PATIENCE:
                raise Overloaded
            eldest.give_way()
        admission.bytes_in_flight += size
        self._bytes += size

    def give_way(self) -> None:
        """End the arrival now; whoever waits for the body is told that it did not come."""
        if self._deadline is not None and not self._deadline.expired():
            self._deadline.reschedule(0)
        self._leave_arrival()
        self._release_bytes()

    def begin_work(self) -> None:
        """Take a place, or raise `Overloaded`."""
        self._leave_arrival()
        if self._admission.in_flight >= self._admission.callbacks:
            raise Overloaded
        self._admission.in_flight += 1
        self._is_worked_on = True

    def end(self) -> None:
        """Give back what was taken."""
        self._leave_arrival()
        self._release_bytes()
        self._admission.in_flight -= self._is_worked_on

    def _leave_arrival(self) -> None:
        self._admission.arriving.pop(self, None)

    def _release_bytes(self) -> None:
        self._admission.bytes_in_flight -= self._bytes
        self._bytes = 0
