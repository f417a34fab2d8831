"""What a sending account may do, and whether a message may be called for now (LM, IM-14)."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Rate:
    """So many in a second, with some ahead of their time."""

    per_second: float
    burst: int = 1
    """How many may come at once after a pause."""


@dataclass(frozen=True, slots=True)
class ChannelLimits:
    """What a provider lets one sending account do; None where it sets no limit."""

    per_sender: Rate | None = None
    per_pair: Rate | None = None
    """Of one sending account to one recipient."""
    window: timedelta | None = None
    """How long after a person's last message free-form answers are allowed."""
