"""What the scheduler does by the clock and on `status-changes`.

Ticks return whether they found so much to do that the next one should follow at once.
"""

import logging
from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from functools import partial
from typing import Final

import sqlalchemy as sa
from aiokafka import TopicPartition

from domain.breaker import Breaker
from runtime.clock import Clock
from runtime.kafka.producer import Producer
from runtime.kafka.stream import Delivery, Group
from runtime.postgres import in_thread
from runtime.vault import Vault
from schemas.topics.send_requests import SEND_REQUESTS
from schemas.topics.status_changes import StatusChanged
from schemas.topics.task_changes import TASK_CHANGES, JobChanged
from services.scheduler.held import Publish, held
from services.scheduler.idempotency import REMEMBERED_FOR
from services.scheduler.intake import SOURCE
from services.scheduler.metrics import DUE_LAG, ROWS_SETTLED
from services.scheduler.settling import news_of, settle
from services.scheduler.store import changes, clear, keys, notices, sends, task_logs, tasks
from services.scheduler.store.changes import Change
from services.scheduler.timed import settling as pushes
from services.scheduler.timed.notifying import outcomes_of

log = logging.getLogger(__name__)

DUE_BATCH: Final = 500
"""Claimed by one scheduler in one transaction; 10,000 due at once are twenty of them (R10)."""

ANNOUNCE_BATCH: Final = 100

SEALED_EVERY: Final = timedelta(days=1)
SEALED_BATCH: Final = 500
"""Rows sealed in one transaction, some tens of milliseconds."""

PURGE_EVERY: Final = timedelta(minutes=1)
PURGE_BATCH: Final = 1_000
TASKS_KEPT: Final = timedelta(days=30)
"""How long deleted tasks and the entries of logs are (TP-12, CF-31, SE-05)."""


async def fire_due(engine: sa.Engine, vault: Vault, producer: Producer, clock: Clock) -> bool:
    """Publish timed sends whose time has come, each once (CF-23, IM-17)."""

    def fire(connection: sa.Connection, publish: Publish) -> list[float]:
        due = sends.claim_due(connection, vault, now=clock(), limit=DUE_BATCH)
        if not due:
            return []
        requests = [SEND_REQUESTS.decode(send.request) for send in due if send.request is not None]
        publish(SEND_REQUESTS.records(requests, source=SOURCE, at=clock()))
        sends.drop(connection, [send.message_id for send in due if send.request is None])
        fired = clock()
        sends.mark_published(connection, [send.message_id for send in due], now=fired)
        return [(fired - send.due_at).total_seconds() for send in due]

    lags = await held(engine, producer, fire)
    for lag in lags:
        DUE_LAG.observe(lag)
    if lags:
        log.info("sends.fired", extra={"count": len(lags), "lag_ms": int(max(lags) * 1_000)})
    return len(lags) == DUE_BATCH


async def announce_jobs(engine: sa.Engine, producer: Producer, clock: Clock) -> bool:
    """Tell `task-changes` what became of jobs; repeated after a crash, with the same ids."""

    def announce(connection: sa.Connection, publish: Publish) -> bool:
        told = changes.next_of_each(connection, limit=ANNOUNCE_BATCH)
        if told:
            now = clock()
            announced = map(_announcement, told)
            publish([TASK_CHANGES.record(one, source=SOURCE, at=now) for one in announced])
            changes.forget(connection, told)
        return bool(told)

    return await held(engine, producer, announce)


async def purge(engine: sa.Engine, clock: Clock) -> bool:
    """Forget keys and published sends that are older than a day, a batch at a time (IM-01)."""
    before = clock() - REMEMBERED_FOR

    def forget(connection: sa.Connection) -> int:
        return max(
            keys.forget(connection, before=before, limit=PURGE_BATCH),
            sends.forget(connection, before=before, limit=PURGE_BATCH),
        )

    return await in_thread(engine, forget) == PURGE_BATCH


async def purge_tasks(engine: sa.Engine, clock: Clock) -> bool:
    """Forget tasks that were deleted long ago, and what was done long ago, a batch at a time."""
    before = clock() - TASKS_KEPT

    def forget(connection: sa.Connection) -> int:
        return max(
            tasks.purge(connection, before=before, limit=PURGE_BATCH),
            task_logs.forget(connection, before=before, limit=PURGE_BATCH),
        )

    return await in_thread(engine, forget) == PURGE_BATCH


async def seal_old(engine: sa.Engine, vault: Vault) -> bool:
    """Seal all that is still in the clear, a batch at a time (SE-01)."""
    for table in clear.TABLES:
        last: str | None = ""
        while last is not None:
            seal_some = partial(
                clear.seal_some, vault=vault, table=table, after=last, limit=SEALED_BATCH
            )
            last = await in_thread(engine, seal_some)
    return False


class StatusChanges:
    """Settles rows of jobs and groups of pushes, as messages reach a provider or fail.

    Windows empty, breakers count, pushes end.
    """

    def __init__(
        self, engine: sa.Engine, *, breaker: Breaker, clock: Clock, wake: Callable[[], None]
    ) -> None:
        self._engine = engine
        self._breaker = breaker
        self._clock = clock
        self._wake = wake

    async def assigned(self, places: Collection[TopicPartition], group: Group) -> None:
        """Nothing to prepare: the rows know what has been applied."""

    async def receive(self, deliveries: Sequence[Delivery]) -> None:
        """Settle the rows, the groups and the notices of the batch."""
        changes = [_change(delivery) for delivery in deliveries]
        outcomes = outcomes_of(changes)
        if outcomes:
            await in_thread(self._engine, lambda connection: notices.settle(connection, outcomes))
        news = news_of(changes)
        if news:
            now = self._clock()
            freed = await in_thread(
                self._engine,
                lambda connection: settle(connection, news, breaker=self._breaker, now=now),
            )
            ROWS_SETTLED.inc(freed)
            if freed:
                self._wake()
        of_groups = pushes.news_of(changes)
        if of_groups:
            # In a transaction of its own: it waits for hand-overs, and jobs need not.
            at = self._clock()
            await in_thread(self._engine, lambda c: pushes.settle(c, of_groups, now=at))
        for delivery in deliveries:
            delivery.finish()

    def revoked(self, places: Collection[TopicPartition]) -> None:
        """Nothing is held back between batches."""


def _change(delivery: Delivery) -> StatusChanged:
    change: StatusChanged = delivery.value
    return change


def _announcement(change: Change) -> JobChanged:
    return JobChanged(
        job_id=change.job_id,
        from_status=change.from_status,
        to_status=change.to_status,
        sequence=change.number,
        reason=change.reason,
        total=change.total,
        updated_at=change.changed_at,
        tenant_id=change.tenant_id,
    )
