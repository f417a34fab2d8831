"""What a callback came to, whichever channel it is of: events, and the parts that became none."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from schemas.topics.provider_events import CallbackEvent

WHOLE: Final = "body"
"""The field of a problem with all of it."""


class MalformedCallback(ValueError):
    """It is no callback; ``field`` names where, ``problem`` says what is wrong, without content."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


class Reason(StrEnum):
    """Why a part of an authentic callback became no event."""

    UNKNOWN_OBJECT = "unknown_object"
    """A callback about another of Meta's products (PC-05)."""
    UNKNOWN_STATUS = "unknown_status"
    """A result of a WeCom group send in a word of the future."""
    MALFORMED = "malformed"
    """It does not have the documented shape."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """One part that became no event."""

    reason: Reason
    where: str
    """Its path in the body: ``entry[0].changes[0].value.statuses[2].timestamp``."""
    what: str
    """The unknown word, or what is wrong. Never content."""


@dataclass(frozen=True, slots=True)
class Callback:
    """Everything one body said, in the order in which it said it."""

    events: tuple[CallbackEvent, ...]
    ignored: tuple[Ignored, ...] = ()
