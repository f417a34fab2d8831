"""Which status a message has, given everything known of it (ST-01…ST-08, CF-01, IM-04, IM-05).

A message's state is a function of the *set* of facts that have been heard of it. Each fact only
adds evidence: a time that was missing or an earlier one. So facts may come twice, late and in
any order, and the same facts always end in the same state. The rules, strongest first:

1. The provider reported a failure before any delivery: ``failed``, and nothing overrules it.
2. The provider reported a delivery or a reading: ``read``, else ``delivered``.
3. The provider accepted it: ``sent``. This overrules a failure that we only inferred.
4. We concluded that it failed: ``failed``.
5. A dispatcher took it: ``sending``.
6. Otherwise ``pending``.

"Before" in rule 1 is the provider's clock, not the order of arrival: that is what makes the rule
independent of the order. On equal times the delivery counts, since the device has the message.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, assert_never

from domain.failures import Failure, Origin


class Status(StrEnum):
    """The stored lifecycle (CF-01)."""

    PENDING = "pending"
    """Accepted by us, not yet taken by a dispatcher."""
    SENDING = "sending"
    """On its way to the provider."""
    SENT = "sent"
    """The provider has it."""
    DELIVERED = "delivered"
    """The recipient's device has it."""
    READ = "read"
    """The recipient opened it."""
    FAILED = "failed"
    """It will not be delivered."""


class Source(StrEnum):
    """Where the knowledge behind a transition came from (ST-08, CF-54)."""

    WEBHOOK = "webhook"
    """The provider said so, in a callback or in its reply."""
    POLLING = "polling"
    """We asked the provider."""
    MANUAL = "manual"
    """Decided here: by an operator, a replay, or our own conclusion."""


@dataclass(frozen=True, slots=True)
class Started:
    """A dispatcher took the message."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Sent:
    """The provider has the message."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Delivered:
    """The device has the message."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Read:
    """The recipient opened the message."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Failed:
    """The message failed, for this reason."""

    at: datetime
    failure: Failure


Fact = Started | Sent | Delivered | Read | Failed


@dataclass(frozen=True, slots=True)
class FailedAt:
    """The earliest failure heard of one origin."""

    at: datetime
    failure: Failure


class Evidence(NamedTuple):
    """Everything known of one message: the earliest time of each kind of fact.

    A tuple for its cheap copies: each fact makes one.
    """

    started_at: datetime | None = None
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    """Earliest of the deliveries and readings: a read message was delivered (IM-05)."""
    read_at: datetime | None = None
    refused: FailedAt | None = None
    """The earliest failure that the provider reported."""
    inferred: FailedAt | None = None
    """The earliest failure that we concluded."""

    @property
    def status(self) -> Status:
        """The status by the rules of this module."""
        refused = self.refused
        if refused is not None and (self.delivered_at is None or refused.at < self.delivered_at):
            return Status.FAILED
        if self.read_at is not None:
            return Status.READ
        if self.delivered_at is not None:
            return Status.DELIVERED
        if self.sent_at is not None:
            return Status.SENT
        if self.inferred is not None:
            return Status.FAILED
        return Status.PENDING if self.started_at is None else Status.SENDING

    @property
    def failed(self) -> FailedAt | None:
        """Why and when it failed; None while its status is another one."""
        if self.status is not Status.FAILED:
            return None
        return self.refused or self.inferred


def learn(evidence: Evidence, fact: Fact) -> Evidence:
    """Return the evidence with one more fact; the same evidence if it says nothing new."""
    match fact:
        case Started(at):
            return evidence._replace(started_at=_earliest(evidence.started_at, at))
        case Sent(at):
            return evidence._replace(sent_at=_earliest(evidence.sent_at, at))
        case Delivered(at):
            return evidence._replace(delivered_at=_earliest(evidence.delivered_at, at))
        case Read(at):
            return evidence._replace(
                delivered_at=_earliest(evidence.delivered_at, at),
                read_at=_earliest(evidence.read_at, at),
            )
        case Failed(at, failure):
            return _learn_failure(evidence, FailedAt(at, failure))
        case _:
            assert_never(fact)


def merged(one: Evidence, other: Evidence) -> Evidence:
    """Return what is known where both are: the same as after all the facts of the two."""
    return Evidence(
        started_at=_earlier(one.started_at, other.started_at),
        sent_at=_earlier(one.sent_at, other.sent_at),
        delivered_at=_earlier(one.delivered_at, other.delivered_at),
        read_at=_earlier(one.read_at, other.read_at),
        refused=_earlier_failure(one.refused, other.refused),
        inferred=_earlier_failure(one.inferred, other.inferred),
    )


def _learn_failure(evidence: Evidence, failed: FailedAt) -> Evidence:
    match failed.failure.origin:
        case Origin.PROVIDER:
            return evidence._replace(refused=_earliest_failure(evidence.refused, failed))
        case Origin.LOCAL:
            return evidence._replace(inferred=_earliest_failure(evidence.inferred, failed))
        case _:
            assert_never(failed.failure.origin)


def _earliest(known: datetime | None, heard: datetime) -> datetime:
    return heard if known is None else min(known, heard)


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return one if other is None else _earliest(one, other)


def _earlier_failure(one: FailedAt | None, other: FailedAt | None) -> FailedAt | None:
    return one if other is None else _earliest_failure(one, other)


def _earliest_failure(known: FailedAt | None, heard: FailedAt) -> FailedAt:
    # Two failures of one second are told apart by their texts: any order of arrival must end alike.
    return heard if known is None else min(known, heard, key=_failure_order)


def _failure_order(failed: FailedAt) -> tuple[datetime, str, tuple[str, ...], tuple[str, ...]]:
    failure = failed.failure
    return (failed.at, failure.code, _orderable(failure.provider_code), _orderable(failure.detail))


def _orderable(text: str | None) -> tuple[str, ...]:
    # No text and an empty text are two things, or the order of arrival would choose.
    return () if text is None else (text,)
