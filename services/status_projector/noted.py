"""What is kept of facts that no transition tells of, so that a message can be explained (IM-53).

A fact that moved its message stands in the history. All others are noted beside it: those that
changed nothing, waits, requests, and what was parked before it was applied.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, TypeVar

import msgspec

from domain.explaining import Effect
from domain.lifecycle import Evidence
from domain.masking import without_numbers
from schemas.topics.provider_events import (
    FailureReason,
    MessageEvent,
    SendDeferred,
    SendRejected,
    StatusReported,
    tag_of,
)
from schemas.topics.send_requests import SendRequested
from schemas.topics.topic import Headers, header

REQUESTED: Final = "send.requested"


V_co = TypeVar("V_co", bound=SendRequested | MessageEvent, covariant=True)


@dataclass(frozen=True, slots=True)
class Said(Generic[V_co]):
    """A request or an event, and how it came."""

    value: V_co
    headers: Headers
    parked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Noted:
    """A fact, and what it did to its message."""

    message_id: str
    sequence: int
    """The message's number after it."""
    effect: Effect
    said: Said[SendRequested | MessageEvent]

    @property
    def kind(self) -> str:
        """The record's type; of a report with its status, of a rejection with who says so."""
        match self.said.value:
            case SendRequested():
                return REQUESTED
            case StatusReported(status=status):
                return f"{tag_of(self.said.value)}/{status}"
            case SendRejected(failure=failure):
                return f"{tag_of(self.said.value)}/{failure.origin}"
            case _:
                return tag_of(self.said.value)

    @property
    def occurred_at(self) -> datetime:
        """By the clock of whoever says it."""
        match self.said.value:
            case SendRequested():
                return self.said.value.requested_at
            case StatusReported():
                return self.said.value.occurred_at
            case _:
                return self.said.value.at

    @property
    def attempt(self) -> int | None:
        """Which call it is about."""
        match self.said.value:
            case SendRequested() | StatusReported():
                return None
            case event:
                return event.attempt

    @property
    def until(self) -> datetime | None:
        """When the wait ends, or when a request expires."""
        match self.said.value:
            case SendRequested():
                return self.said.value.expires_at
            case SendDeferred():
                return self.said.value.until
            case _:
                return None

    @property
    def failure(self) -> FailureReason | None:
        """What it says went wrong, without anybody's number."""
        match self.said.value:
            case StatusReported(failure=failure) | SendRejected(failure=failure):
                return _masked(failure)
            case SendDeferred(failure=failure):
                return _masked(failure)
            case _:
                return None

    def heard_at(self, now: datetime) -> datetime:
        """Return when the first service of ours had it; ``now`` where the record does not say."""
        said = header(self.said.headers, "ce_time")
        try:
            heard = None if said is None else datetime.fromisoformat(said)
        except ValueError:
            heard = None
        return now if heard is None or heard.tzinfo is None else heard


def _masked(failure: FailureReason | None) -> FailureReason | None:
    # Providers repeat whom they could not reach.
    if failure is None or failure.detail is None:
        return failure
    return msgspec.structs.replace(failure, detail=without_numbers(failure.detail))


def effect_of(before: Evidence, after: Evidence) -> Effect:
    """Return what a fact did."""
    if after == before:
        return Effect.NOTHING
    return Effect.ADDED if after.status is before.status else Effect.MOVED
