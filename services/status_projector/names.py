"""Which ids a batch of records speaks of: what has to be looked up before it is projected."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from domain.identity import message_id_for_inbound
from schemas.topics.provider_events import (
    MessageEvent,
    MessageReceived,
    SendAccepted,
    StatusReported,
)
from schemas.topics.send_requests import SendRequested
from services.status_projector.heard import Heard


@dataclass(frozen=True, slots=True)
class Names:
    """The ids that a batch speaks of."""

    asked: frozenset[str]
    """Message ids of its requests: introduced here."""
    accepted: Mapping[str, str]
    """Provider's ids by message id, from its acceptances: introduced here."""
    message_ids: frozenset[str]
    """All message ids of its events."""
    provider_ids: frozenset[str]
    """All provider's ids of its callbacks."""
    told: frozenset[str]
    """Those of them that came with a message id: they may be introduced here."""
    beside: frozenset[str]
    """Message ids that nobody waits for: of what was received, and of what is sent once more."""


def names_of(batch: Sequence[Heard]) -> Names:
    """Collect the ids that a batch speaks of."""
    asked: set[str] = set()
    accepted: dict[str, str] = {}
    message_ids: set[str] = set()
    provider_ids: set[str] = set()
    told: set[str] = set()
    beside: set[str] = set()
    for heard in batch:
        value = heard.value
        if isinstance(value, SendRequested):
            asked.add(value.message_id)
            if value.original_message_id is not None:
                beside.add(value.original_message_id)
        elif isinstance(value, MessageReceived):
            beside.add(message_id_for_inbound(value.channel, value.provider_message_id))
        elif isinstance(value, MessageEvent):
            if value.message_id is not None:
                message_ids.add(value.message_id)
            if isinstance(value, StatusReported):
                provider_ids.add(value.provider_message_id)
                if value.message_id is not None:
                    told.add(value.provider_message_id)
            elif isinstance(value, SendAccepted):
                accepted[value.message_id] = value.provider_message_id
    return Names(
        frozenset(asked),
        accepted,
        frozenset(message_ids),
        frozenset(provider_ids),
        frozenset(told),
        frozenset(beside),
    )
