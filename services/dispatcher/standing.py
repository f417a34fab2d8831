"""What the ends of attempts say of the accounts that made them (IM-09, IM-14, IM-55)."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from domain.failures import Failure
from domain.ledger import Accept, Doubt, Halt, HoldUntil, Reject, WaitUntil
from domain.outcomes import Scope
from domain.rates import slow_down
from providers.first_pauses import first_pause
from runtime.clock import Clock
from runtime.postgres import in_thread
from services.dispatcher.metrics import SENDERS_HALTED
from services.dispatcher.store import senders
from services.dispatcher.work import Ended

log = logging.getLogger(__name__)

PROBE_EVERY: Final = timedelta(seconds=10)
"""The least that lies between two probes of a sender."""
PROBE_AT_LEAST_EVERY: Final = timedelta(minutes=10)
"""The pauses double with each probe that says that nothing has changed, up to this."""
KEPT: Final = timedelta(days=2)
"""Used-up limits are kept for so long after their day."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What has changed for senders."""

    halted: dict[str, str] = field(default_factory=dict[str, str])
    """With the reasons."""
    resumed: Sequence[str] = ()
    held: Mapping[str, datetime] = field(default_factory=dict[str, datetime])
    """Left alone until then, as their providers asked."""


def learn(
    connection: sa.Connection, ended: Sequence[Ended], *, now: datetime, probe_within: timedelta
) -> Changes:
    """Halt, hold, slow down and resume senders as their attempts ended.

    ``probe_within``: the longest pause before a first probe.
    """
    broken = {
        one.work.sender: senders.Breakage(
            reason_for(failure), min(pause_after(one, failure), probe_within)
        )
        for one in ended
        if (failure := _breakage(one))
    }
    # Of a probe that nobody answered nothing is learnt: the next comes as soon as this one did.
    told = [one for one in ended if one.work.tries.probing and not _went_unanswered(one)]
    working = {one.work.sender for one in told if one.work.sender not in broken}
    accepted = {one.work.sender for one in ended if isinstance(one.verdict, Accept)}
    _slow_down(connection, {one.work.sender for one in ended if _had_no_room(one)}, now)
    halted = senders.halt(connection, broken, now=now) if broken else {}
    resumed = senders.resume_probed(connection, working, accepted) if working else ()
    if still := {one.work.sender for one in told} - {*resumed}:
        pauses = {"least": PROBE_EVERY, "longest": PROBE_AT_LEAST_EVERY}
        senders.put_off_probes(connection, still, **pauses, now=now)
    return Changes(halted, resumed, _hold(connection, ended))


def pause_after(one: Ended, failure: Failure) -> timedelta:
    """Return how long the sender is left alone before its first probe."""
    return first_pause(one.work.request.channel, failure.provider_code)


def tell(changes: Changes) -> None:
    """Alert, or say that all is well again."""
    for sender, reason in changes.halted.items():
        SENDERS_HALTED.labels(sender).set(1)
        log.error("sender.halted", extra={"sender": sender, "reason": reason})
    for sender in changes.resumed:
        SENDERS_HALTED.labels(sender).set(0)
        log.warning("sender.resumed", extra={"sender": sender})
    for sender, until in changes.held.items():
        log.warning("sender.held", extra={"sender": sender, "until": until.isoformat()})


async def forget(engine: sa.Engine, zone: ZoneInfo, clock: Clock) -> bool:
    """Drop counts of past days and rates that nobody uses."""
    before = clock() - KEPT
    day = before.astimezone(zone).date()
    await in_thread(engine, lambda c: senders.forget(c, before=day, arrived_before=before))
    return False


def _hold(connection: sa.Connection, ended: Sequence[Ended]) -> dict[str, datetime]:
    """Hold whom providers asked to pause; who shares an account with others holds these as well."""
    until: dict[str, datetime] = {}
    for one in ended:
        verdict = one.verdict
        if not isinstance(verdict, HoldUntil) or verdict.rest_until is None:
            continue
        concerned = {one.work.sender}
        if verdict.scope is Scope.ACCOUNT:
            concerned |= {*senders.of_channels(connection, [one.work.request.channel])}
        for sender in concerned:
            until[sender] = max(verdict.rest_until, until.get(sender, verdict.rest_until))
    return senders.hold(connection, until) if until else {}


def _slow_down(connection: sa.Connection, full: set[str], now: datetime) -> None:
    if not full:
        return
    rows = senders.of(connection, full)
    slowed = {name: slow_down(row.slowed, now) for name, row in rows.items()}
    senders.slow_down(connection, {name: one for name, one in slowed.items() if one is not None})


def _breakage(one: Ended) -> Failure | None:
    match one.verdict:
        case Halt(failure) | Reject(failure, halts_sender=True):
            return failure
        case _:
            return None


def _went_unanswered(one: Ended) -> bool:
    return isinstance(one.verdict, WaitUntil | Doubt)


def _had_no_room(one: Ended) -> bool:
    return isinstance(one.verdict, HoldUntil) and one.verdict.scope is not Scope.RECIPIENT


def reason_for(failure: Failure) -> str:
    """Return in a line why a sender is halted."""
    return " ".join(part for part in (failure.provider_code, failure.detail) if part) or "unknown"
