"""What runs for timed pushes as long as the scheduler does, and by whose clock.

By the database's: all schedulers share it, so one whose own clock is wrong fires nothing early and
calls nothing missed. What is due is asked for, never waited for in memory (CF-23).
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from runtime.kafka.producer import Producer
from runtime.postgres import in_thread
from runtime.vault import Vault
from schemas.topics.task_changes import TASK_CHANGES
from services.scheduler.held import Publish, held
from services.scheduler.intake import SOURCE
from services.scheduler.metrics import PUSH_LAG, PUSH_REQUESTS, PUSHES_STALLED
from services.scheduler.store import push_stalls, telling
from services.scheduler.timed import firing, settling
from services.scheduler.timed.forms import Forms
from services.scheduler.timed.handing import HandedOver, hand_over
from services.scheduler.timed.notice_words import CHINESE, Words
from services.scheduler.timed.resuming import resume_due

log = logging.getLogger(__name__)

CLAIMED: Final = 100
"""Tasks in one transaction: some tens of milliseconds, so what is urgent waits no longer."""
HANDED: Final = 50
"""Pushes in one: 5,000 requests at most."""
TOLD: Final = 500

STALLS_EVERY: Final = timedelta(seconds=30)
STALLED: Final = 100
"""More of them are not counted, or ended at once."""
GIVEN_UP_AFTER: Final = timedelta(hours=24)
"""How long nothing may be heard of a push's groups: longer than any message waits for its turn."""

Time = Callable[[sa.Connection], datetime]
"""The present moment, asked for within a transaction."""


def by_the_database(connection: sa.Connection) -> datetime:
    """Return the database's time; not that of the transaction's beginning."""
    now: datetime = connection.execute(sa.text("SELECT clock_timestamp()")).scalar_one()
    return now


class TimedPushes:
    """Fires tasks, hands their pushes over, and tells of both."""

    def __init__(  # noqa: PLR0913 - what it works with
        self,
        engine: sa.Engine,
        vault: Vault,
        producer: Producer,
        *,
        stalls_after: timedelta,
        forms: Forms | None = None,
        words: Words = CHINESE,
        time: Time = by_the_database,
    ) -> None:
        self._engine = engine
        self._vault = vault
        self._producer = producer
        self._stalls_after = stalls_after
        self._forms = forms
        self._words = words
        self._time = time
        self._begun = asyncio.Event()
        self._stalled: frozenset[str] = frozenset()

    def wake(self) -> None:
        """Hand over now: a push has begun."""
        self._begun.set()

    async def fire(self) -> bool:
        """Claim what is due; True if there may be more."""
        claimed = await in_thread(self._engine, self._claim)
        if claimed:
            self.wake()
        return claimed

    async def hand_over_all(self) -> None:
        """Hand over what has begun whenever woken, until cancelled; raises `TryAgainLater`."""
        while True:
            await self._begun.wait()
            self._begun.clear()
            while await self._hand_over():
                pass

    async def tell(self) -> bool:
        """Tell `task-changes` what is noted, in its order; True if there may be more.

        Repeated after a crash, with the same ids.
        """

        def tell(connection: sa.Connection, publish: Publish) -> int:
            notes = telling.take(connection, limit=TOLD)
            if notes:
                changes = [one.change for one in notes]
                now = self._time(connection)
                publish(TASK_CHANGES.records(changes, source=SOURCE, at=now))
                telling.forget(connection, notes)
            return len(notes)

        return await held(self._engine, self._producer, tell) == TOLD

    async def look_for_stalls(self) -> bool:
        """Count pushes that make no progress, and name each once; end what has ended (IM-60)."""

        def look(connection: sa.Connection) -> list[str]:
            now = self._time(connection)
            settling.end_over(connection, now=now, limit=STALLED)
            before = now - GIVEN_UP_AFTER
            given_up = settling.give_up(connection, before=before, now=now, limit=STALLED)
            if given_up:
                log.warning("push.given_up", extra={"pushes": given_up})
            before = now - self._stalls_after
            return push_stalls.stalled(connection, before=before, limit=STALLED)

        stalled = frozenset(await in_thread(self._engine, look))
        PUSHES_STALLED.set(len(stalled))
        for push_id in stalled - self._stalled:
            log.warning("push.stalled", extra={"push_id": push_id})
        self._stalled = stalled
        return False

    def _claim(self, connection: sa.Connection) -> bool:
        now = self._time(connection)
        resumed = resume_due(
            connection, self._vault, self._words, self._forms, now=now, limit=CLAIMED
        )
        begun = firing.begin_held(connection, now=now, limit=CLAIMED)
        fired = firing.fire(connection, now=now, limit=CLAIMED)
        # A held push that waits for another is due, and nothing can be done about it.
        return bool(resumed or begun or fired)

    async def _hand_over(self) -> bool:
        def hand(connection: sa.Connection, publish: Publish) -> tuple[HandedOver, datetime]:
            now = self._time(connection)
            done = hand_over(connection, self._vault, publish, self._forms, now=now, limit=HANDED)
            return done, self._time(connection) if done.due_at else now

        done, at = await held(self._engine, self._producer, hand)
        for due_at in done.due_at:
            PUSH_LAG.observe((at - due_at).total_seconds())
        PUSH_REQUESTS.inc(done.requests)
        if done.finished:
            await in_thread(
                self._engine, lambda c: settling.end_finished(c, done.finished, now=self._time(c))
            )
        return bool(done.due_at)
