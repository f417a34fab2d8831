"""What the ends of attempts say of the accounts that made them (IM-09, IM-14, IM-55)."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from domain.failures import Failure
from domain.ledger import Accept, Halt, HoldUntil, Reject
from domain.outcomes import Scope
from domain.rates import slow_down
from runtime.clock import Clock
from runtime.postgres import in_thread
from services.dispatcher.metrics import DOUBTFUL, LANE, OVERDUE, SENDERS_HALTED
from services.dispatcher.store import senders
from services.dispatcher.work import Ended

log = logging.getLogger(__name__)

PROBED_AFTER: Final = timedelta(seconds=1)
"""Another message of the sender is tried so soon: perhaps only the first one was at fault."""
LATE: Final = timedelta(minutes=5)
"""What has been due for longer is worth a line in the log, once a look."""
KEPT: Final = timedelta(days=2)
"""Used-up limits are kept for so long after their day."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What has changed for senders."""

    halted: dict[str, str] = field(default_factory=dict[str, str])
    """With the reasons."""
    resumed: Sequence[str] = ()


def learn(connection: sa.Connection, ended: Sequence[Ended], *, now: datetime) -> Changes:
    """Halt, slow down and resume senders as their attempts ended."""
    broken = {one.work.sender: _reason(failure) for one in ended if (failure := _breakage(one))}
    working = {
        one.work.sender
        for one in ended
        if one.work.tries.probing and one.work.sender not in broken and _was_answered(one)
    }
    accepted = {one.work.sender for one in ended if isinstance(one.verdict, Accept)}
    _slow_down(connection, {one.work.sender for one in ended if _had_no_room(one)}, now)
    return Changes(
        senders.halt(connection, broken, pause=PROBED_AFTER, now=now) if broken else {},
        senders.resume_probed(connection, working, accepted) if working else (),
    )


def tell(changes: Changes) -> None:
    """Alert, or say that all is well again."""
    for sender, reason in changes.halted.items():
        SENDERS_HALTED.labels(sender).set(1)
        log.error("sender.halted", extra={"sender": sender, "reason": reason})
    for sender in changes.resumed:
        SENDERS_HALTED.labels(sender).set(0)
        log.warning("sender.resumed", extra={"sender": sender})


async def look_after(engine: sa.Engine, queued: Mapping[str, int], clock: Clock) -> bool:
    """Tell what waits for each sender and for how long, and what is in doubt (IM-54)."""
    now = clock()

    def look(connection: sa.Connection) -> tuple[dict[str, datetime], dict[str, int]]:
        return senders.due_since(connection), senders.in_doubt(connection)

    due, doubts = await in_thread(engine, look)
    for gauge in (OVERDUE, LANE, DOUBTFUL):
        gauge.clear()
    for sender, count in queued.items():
        LANE.labels(sender).set(count)
    for sender, count in doubts.items():
        DOUBTFUL.labels(sender).set(count)
    for sender, since in due.items():
        overdue = max((now - since).total_seconds(), 0.0)
        OVERDUE.labels(sender).set(overdue)
        if overdue > LATE.total_seconds():
            log.warning("messages.late", extra={"sender": sender, "seconds": int(overdue)})
    return False


async def forget(engine: sa.Engine, zone: ZoneInfo, clock: Clock) -> bool:
    """Drop counts of past days and rates that nobody uses."""
    before = clock() - KEPT
    day = before.astimezone(zone).date()
    await in_thread(engine, lambda c: senders.forget(c, before=day, arrived_before=before))
    return False


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


def _was_answered(one: Ended) -> bool:
    return isinstance(one.verdict, Accept | Reject | HoldUntil)


def _had_no_room(one: Ended) -> bool:
    return isinstance(one.verdict, HoldUntil) and one.verdict.scope is Scope.SENDER


def _reason(failure: Failure) -> str:
    return " ".join(part for part in (failure.provider_code, failure.detail) if part) or "unknown"
