"""Why a fact moved a message, or did not, in words (IM-53; the rules are `domain.lifecycle`'s)."""

from enum import StrEnum
from typing import Final

from domain.lifecycle import Status


class Effect(StrEnum):
    """What a fact did to its message."""

    MOVED = "moved"
    """The status became another one."""
    ADDED = "added"
    """A time or a failure was not known, or not so early; the status stayed."""
    NOTHING = "nothing"
    """All of it was known."""
    TOLD = "told"
    """It says nothing of the status: a request, a wait, a task that results follow."""


class Said(StrEnum):
    """What a fact says of the message's life."""

    STARTED = "started"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    REFUSED = "refused"
    """The provider says that it failed."""
    INFERRED = "inferred"
    """We concluded that it failed."""


_REFUSED: Final = (
    "rule 1: the provider reported a failure before any delivery, and nothing overrules that"
)
_RULES: Final = {
    Status.READ: "rule 2: the provider reported a reading",
    Status.DELIVERED: "rule 2: the provider reported a delivery",
    Status.SENT: "rule 3: the provider has it",
    Status.SENDING: "rule 5: a dispatcher took it",
    Status.PENDING: "rule 6: nothing has been heard of it yet",
}
_INFERRED: Final = "rule 4: we concluded that it failed"
_SUCCESS: Final = frozenset({Status.SENT, Status.DELIVERED, Status.READ})
_ON_DEVICE: Final = frozenset({Status.DELIVERED, Status.READ})


def rule_of(status: Status, *, provider_said: bool) -> str:
    """Return the rule that gives a message this status.

    >>> rule_of(Status.FAILED, provider_said=False)
    'rule 4: we concluded that it failed'
    """
    if status is Status.FAILED:
        return _REFUSED if provider_said else _INFERRED
    return _RULES[status]


def overruling(status: Status) -> str:
    """Return why a message that had failed has another status now."""
    if status in _ON_DEVICE:
        return f"{_RULES[status]}, which is earlier than any failure it reported"
    return f"{_RULES[status]}, which overrules the failure that we had only concluded"


def why_unmoved(said: Said, effect: Effect, status: Status, *, provider_refused: bool) -> str:
    """Return why a fact left the status as it was. ``provider_refused``: what the failure is."""
    if effect is Effect.NOTHING:
        return "nothing new: this was known, with the same or an earlier time"
    if said is Said.REFUSED and status in _ON_DEVICE:
        return "rule 1: this failure is not earlier than the delivery, and the device has it"
    if said is Said.INFERRED and status in _SUCCESS:
        return f"rule 4 is the weaker: the provider's word counts, {_RULES[status]}"
    if status is Status.FAILED and said not in (Said.REFUSED, Said.INFERRED):
        return _REFUSED if provider_refused else "an earlier step: it still counts as failed"
    if said in (Said.REFUSED, Said.INFERRED):
        return "another failure: it counts as failed already"
    return f"its time is kept; {status} is as far or further on"
