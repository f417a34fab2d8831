"""What the dispatcher may do with a message next, so that none is sent twice (IM-02, IM-08).

The ledger holds one entry a message id. An entry is claimed, and the claim is committed, before
the provider is called; the outcome is recorded after. So a claim without an outcome means "may
have been sent", and nothing but its owner's own outcome, the provider's evidence or the end of
the grace period moves it on:

    (none)  --claim-->  claimed  --accepted-->  accepted
                           |     --refused--->  rejected
                           |     --deferred, throttled, sender halted-->  waiting  --due--> claimed
                           +--in doubt, or its owner vanished--> in_doubt
    in_doubt  --evidence-->  accepted
              --grace over--> rejected (UNKNOWN_OUTCOME)
              --grace over, the request allows a second sending, attempts are left--> waiting
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from domain.failures import ErrorCode, Failure, Origin
from domain.identity import ProviderMessageId
from domain.outcomes import (
    Accepted,
    Deferred,
    InDoubt,
    Rejected,
    Reply,
    Scope,
    SenderBroken,
    Throttled,
)
from domain.retries import GiveUp, RetryAt, RetryPolicy, after_throttle, next_step, rest_after


class EntryState(StrEnum):
    """How far the dispatcher is with a message."""

    CLAIMED = "claimed"
    """One attempt has begun and has not ended: the provider may be called right now."""
    WAITING = "waiting"
    """Nothing is on its way; due at a known time."""
    IN_DOUBT = "in_doubt"
    """May have been sent; not called again before it is settled."""
    ACCEPTED = "accepted"
    """The provider has it. Final."""
    REJECTED = "rejected"
    """It will not be sent. Final."""


@dataclass(frozen=True, slots=True)
class LedgerPolicy:
    """Times and permissions that the decisions depend on."""

    retries: RetryPolicy = field(default_factory=RetryPolicy)
    settle_after: timedelta = timedelta(minutes=10)
    """How long evidence is waited for before an in-doubt message counts as failed."""


@dataclass(frozen=True, slots=True)
class Accept:
    """Record the provider's acceptance."""

    provider_message_id: ProviderMessageId | None
    """None where only a callback proves it and did not name it."""
    refused: Mapping[str, Failure] = field(default_factory=dict[str, Failure])
    """Those of several recipients that it will not go to."""


@dataclass(frozen=True, slots=True)
class Reject:
    """Record that it will not be sent."""

    failure: Failure
    halts_sender: bool = False
    """Its sender cannot send others either."""


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """Put it down until then; the failure says why."""

    due_at: datetime
    failure: Failure


@dataclass(frozen=True, slots=True)
class HoldUntil:
    """Put it down until then because there was no room; the attempt does not count."""

    due_at: datetime
    failure: Failure
    scope: Scope
    rest_until: datetime | None = None
    """Until when nothing is called of whom the scope names, where the provider said so."""


@dataclass(frozen=True, slots=True)
class Halt:
    """Put it down until its sender can send again; the attempt does not count."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Doubt:
    """Leave it alone until then."""

    settle_at: datetime


Verdict = Accept | Reject | WaitUntil | HoldUntil | Halt | Doubt


@dataclass(frozen=True, slots=True)
class Tries:
    """What a message has been through, the attempt that has just ended included."""

    attempt: int
    """The number of that attempt; the first is 1."""
    throttled: int = 0
    """How many before it found no room, or a sender that could not send."""
    broken: int = 0
    """How many of those found a sender that could not send."""
    probing: bool = False
    """Whether that attempt was to find out if the sender can send again."""
    urgent: bool = False
    """Whether somebody waits for it, and had better hear of a failure at once."""

    @property
    def counted(self) -> int:
        """The attempts that count against the message."""
        return self.attempt - self.throttled


def after_reply(
    policy: LedgerPolicy, reply: Reply, tries: Tries, *, now: datetime, chance: float
) -> Verdict:
    """Decide what the end of an attempt means for the message."""
    match reply:
        case Accepted(provider_message_id, refused):
            return Accept(provider_message_id, refused)
        case Rejected(failure):
            return Reject(failure)
        case SenderBroken(failure):
            return _after_breakage(tries, failure)
        case InDoubt():
            return Doubt(now + policy.settle_after)
        case Deferred(failure, retry_after):
            step = next_step(
                policy.retries,
                attempt=tries.counted,
                now=now,
                chance=chance,
                retry_after=retry_after,
            )
            return _after_deferral(step, failure)
        case Throttled(failure, scope, retry_after):
            due_at = after_throttle(
                policy.retries,
                scope=scope,
                throttled=tries.throttled,
                now=now,
                chance=chance,
                retry_after=retry_after,
            )
            rest_until = rest_after(policy.retries, scope=scope, now=now, retry_after=retry_after)
            return HoldUntil(due_at, failure, scope, rest_until)
        case _:
            assert_never(reply)


def after_grace(
    policy: LedgerPolicy, tries: Tries, *, now: datetime, resend_allowed: bool
) -> Reject | WaitUntil:
    """Decide on an in-doubt message of which no evidence came within the grace period (IM-08).

    Even where it may be sent again its attempts are counted: a provider that takes messages and
    never answers would otherwise be sent the same one for ever (CF-22).
    """
    unknown = Failure(ErrorCode.UNKNOWN_OUTCOME, Origin.LOCAL)
    may_repeat = resend_allowed and tries.counted < policy.retries.attempts
    return WaitUntil(now, unknown) if may_repeat else Reject(unknown)


def may_call(*, claimed_at: datetime, now: datetime, claim_lasts: timedelta) -> bool:
    """Return whether a claim is still fresh enough to call the provider under it.

    A process that was stopped between its claim and its call may wake up after others declared
    the claim abandoned; it must then not call.
    """
    return now - claimed_at < claim_lasts


def _after_breakage(tries: Tries, failure: Failure) -> Reject | Halt:
    """Halt the sender; unless it could send for others since, then the message is what fails."""
    was_repaired = tries.broken > 0 and not tries.probing
    if was_repaired or tries.urgent:
        return Reject(failure, halts_sender=not was_repaired)
    return Halt(failure)


def _after_deferral(step: RetryAt | GiveUp, failure: Failure) -> Verdict:
    match step:
        case RetryAt(due_at):
            return WaitUntil(due_at, failure)
        case GiveUp():
            return Reject(failure)
        case _:
            assert_never(step)
