"""What is due from time to time: parked events expire, months are made ahead and dropped."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from domain.staleness import FORGOTTEN_AFTER, WINDOW, step_of
from runtime.kafka.dead_letters import Rejected
from runtime.postgres import delete_some, in_thread
from schemas.tables.partitions import drop_month, ensure_months
from schemas.topics.dead_letters import Reason
from services.status_projector.handlers import Tools
from services.status_projector.metrics import EXPIRED, PARKED, STALE, STALE_SHARE
from services.status_projector.store import (
    parked,
    silence,
    tallies,
)

log = logging.getLogger(__name__)

EXPIRE_LIMIT: Final = 500
FORGET_LIMIT: Final = 5_000
"""Rows a transaction."""
AGED: Final[Mapping[str, str]] = {
    "conversations": "last_at < :before",
    "provider_notices": "received_at < :before",
    "message_participants": "updated_at < :before",
}
"""Which rows of a table are as old as a message that is dropped."""
UNHEARD: Final[Mapping[str, str]] = {
    "unheard_sends": "accepted_at < :before",
    "sends_by_time": "began_at < :before",
}
"""Of which no callback can be expected any more."""
DAYS_TO_FORGET: Final = 60
"""A service that was away for longer leaves keys behind of events that are gone."""


async def expire_parked(tools: Tools, park_for: timedelta) -> bool:
    """Put events that nobody claimed in time into the DLQ (IM-07); say whether there may be more.

    In the DLQ first: a crash in between repeats it, and loses nothing.
    """
    before = tools.clock() - park_for
    ids, gone = await in_thread(
        tools.engine,
        lambda c: parked.expired(c, tools.vault, before=before, limit=EXPIRE_LIMIT),
    )
    if ids:
        letters = [
            Rejected(one.place, one.key, one.value, one.headers, Reason.UNKNOWN_MESSAGE, "$")
            for one in gone
        ]
        await tools.dead_letters.add(letters)
        await in_thread(tools.engine, lambda c: parked.drop(c, ids))
        EXPIRED.inc(len(ids))
    PARKED.set(await in_thread(tools.engine, parked.count))
    return len(ids) == EXPIRE_LIMIT


async def keep_months(tools: Tools, *, retention: timedelta, park_for: timedelta) -> bool:
    """Create partitions ahead of time, and drop what is older than the retention (SE-02)."""
    now = tools.clock()
    before = now - retention
    # What is parked is sealed under a key of its day until it expires.
    yesterday = (now - park_for).date() - timedelta(days=1)

    over = [yesterday - timedelta(days=number) for number in range(1, DAYS_TO_FORGET)]

    await in_thread(tools.engine, lambda connection: ensure_months(connection, now.date()))
    if await in_thread(tools.engine, lambda connection: tallies.renew_days(connection, tools.zone)):
        log.info("tallies.days_renewed", extra={"zone": tools.zone.key})
    await in_thread(tools.engine, lambda c: parked.forget_days(c, tools.vault, over))
    for table, condition in AGED.items():
        await _forget(tools.engine, table, condition, before)
    for table, condition in UNHEARD.items():
        await _forget(tools.engine, table, condition, now - FORGOTTEN_AFTER)
    # Last, since it may have to wait for readers: what is above is forgotten all the same.
    while name := await in_thread(tools.engine, lambda c: drop_month(c, before.date())):
        log.info("months.dropped", extra={"partition": name})
    return False


async def _forget(engine: sa.Engine, table: str, condition: str, before: datetime) -> None:
    """Delete what is old, in small transactions: nobody waits for long, and none is lost."""

    def some(connection: sa.Connection) -> int:
        return delete_some(connection, table, condition, before=before, limit=FORGET_LIMIT)

    while await in_thread(engine, some) == FORGET_LIMIT:
        pass


async def watch_callbacks(tools: Tools, *, stale_after: timedelta, threshold: float) -> bool:
    """Count what is stale of each sender, and alert where callbacks seem to be missing (IM-54)."""
    stop = step_of(tools.clock() - stale_after)
    found = await in_thread(tools.engine, lambda c: silence.by_sender(c, stop - WINDOW, stop))
    for gauge in (STALE, STALE_SHARE):
        gauge.clear()
    for sender, one in found.items():
        STALE.labels(sender).set(one.unheard)
        STALE_SHARE.labels(sender).set(one.share)
        if one.is_alarming(threshold):
            numbers = {"sent": one.sent, "unheard": one.unheard}
            log.warning("callbacks.missing", extra={"sender": sender, **numbers})
    return False
