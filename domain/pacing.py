"""How many rows of a job are let into the stream now (architecture, promise 7).

The backlog waits in the database and only a bounded window of it in Kafka, so that a cancel or
an urgent message takes effect within about a second however much is queued.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """The bound on one job's messages between `send-requests` and the provider's answer."""

    size: int = 1_000
    """At the pipeline's 400 messages a second: two and a half seconds of work."""
    refill_below: float = 0.75
    """Refilled in steps rather than one by one: a step is one statement and one batch."""


def places(window: Window, *, in_flight: int, waiting: int) -> int:
    """Return how many waiting rows to feed now; 0 while the window is full enough.

    >>> places(Window(size=100), in_flight=0, waiting=30)
    30
    >>> places(Window(size=100), in_flight=90, waiting=30)
    0
    """
    if in_flight > window.size * window.refill_below:
        return 0
    return max(0, min(waiting, window.size - in_flight))
