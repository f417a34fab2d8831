"""Which sends have been silent for too long (IM-54)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

CALLED_BACK: Final = frozenset({"whatsapp"})
"""The channels whose provider calls back about every message it took. Of others silence means
nothing."""

STEP: Final = timedelta(minutes=5)
"""Sends are counted by so much time."""
WINDOW: Final = timedelta(hours=1)
"""Over so much time a sender's share is looked at."""
FEWEST: Final = 20
"""Of fewer sends a share says nothing."""
FORGOTTEN_AFTER: Final = timedelta(days=30)
"""WhatsApp tries to deliver for so long; what was silent for longer stays so."""


@dataclass(frozen=True, slots=True)
class Silence:
    """What a sender has sent in a window, and how much of it nobody has called back about."""

    sent: int
    unheard: int

    @property
    def share(self) -> float:
        """Between 0 and 1; 0 where nothing was sent."""
        return self.unheard / self.sent if self.sent else 0.0

    def is_alarming(self, threshold: float) -> bool:
        """Return whether callbacks seem to be missing, and not single phones to be off."""
        return self.sent >= FEWEST and self.share >= threshold


def step_of(moment: datetime) -> datetime:
    """Return the beginning of the step that it lies in.

    >>> from datetime import UTC
    >>> step_of(datetime(2026, 3, 2, 12, 7, 30, tzinfo=UTC)).time()
    datetime.time(12, 5)
    """
    return moment - timedelta(
        minutes=moment.minute % 5, seconds=moment.second, microseconds=moment.microsecond
    )
