"""When a job is paused because its messages fail, instead of burning its list (IM-55).

Outcomes are counted in windows that follow each other: a window ends once enough outcomes are
known, and is judged by the share that failed. A message counts once. One that fails after the
provider had taken it moves from one count to the other, in the window in which that is heard:
callbacks come seconds after acceptances, hundreds of messages later, and this is the only way in
which a list whose messages all fail late is seen to fail at all.
"""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Breaker:
    """When to pause."""

    share: float = 0.5
    """Of the outcomes of a window: as many failures or more."""
    after: int = 50
    """Outcomes that make a window; 0: never pause."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What is known of a window's messages."""

    reached: int = 0
    """Those that a provider has; below 0 where more of an earlier window's failed late."""
    failed: int = 0

    @property
    def known(self) -> int:
        """How many outcomes there are."""
        return max(0, self.reached) + max(0, self.failed)

    def __add__(self, more: "Outcomes") -> "Outcomes":
        """Return both together."""
        return Outcomes(self.reached + more.reached, self.failed + more.failed)


class Verdict(StrEnum):
    """What a window's outcomes mean."""

    TOO_FEW = "too_few"
    """The window goes on."""
    SOUND = "sound"
    """The next window begins."""
    TRIPPED = "tripped"
    """The job is paused."""


def judge(breaker: Breaker, outcomes: Outcomes) -> Verdict:
    """Return what the outcomes mean.

    >>> judge(Breaker(share=0.5, after=50), Outcomes(reached=25, failed=25))
    <Verdict.TRIPPED: 'tripped'>
    """
    if not 0 < breaker.after <= outcomes.known:
        return Verdict.TOO_FEW
    tripped = outcomes.failed >= breaker.share * outcomes.known
    return Verdict.TRIPPED if tripped else Verdict.SOUND
