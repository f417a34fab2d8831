"""How many callbacks, and bytes of them, may be here at once (architecture, promise 9)."""

from services.ingest_webhook.refusals import Overloaded


class Admission:
    """A bounded number of places. Nobody waits for one: the provider is the better queue."""

    def __init__(self, *, callbacks: int, body_bytes: int) -> None:
        self.callbacks = callbacks
        self.body_bytes = body_bytes
        self.in_flight = 0
        self.bytes_in_flight = 0


class Visit:
    """What one callback takes up, from its first byte to our answer.

    A place is taken only by a body that is whole: a thousand callers that send a byte a second
    keep no place from anybody (S5).
    """

    __slots__ = ("_admission", "_bytes", "_is_worked_on")

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._bytes = 0
        self._is_worked_on = False

    def arrived(self, size: int) -> None:
        """Make room for that many bytes more, or raise `Overloaded`."""
        if self._admission.bytes_in_flight + size > self._admission.body_bytes:
            raise Overloaded
        self._admission.bytes_in_flight += size
        self._bytes += size

    def begin_work(self) -> None:
        """Take a place, or raise `Overloaded`."""
        if self._admission.in_flight >= self._admission.callbacks:
            raise Overloaded
        self._admission.in_flight += 1
        self._is_worked_on = True

    def end(self) -> None:
        """Give back what was taken."""
        self._admission.bytes_in_flight -= self._bytes
        self._admission.in_flight -= self._is_worked_on
