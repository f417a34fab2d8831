"""Publishes what attempts ended in and enters it in the ledger, many at a time.

Order of steps: first the fact on Kafka, then the ledger, then the record of the stream is
finished. A crash after the first leaves a claim that the projector's knowledge settles; a crash
before it leaves the outcome in doubt, as it is.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from domain.failures import Failure
from domain.ledger import Accept, Halt, HoldUntil, Reject, WaitUntil
from runtime.clock import Clock
from runtime.kafka.producer import Producer
from runtime.lifespan import insist
from runtime.postgres import in_thread
from runtime.vault import Vault
from schemas.topics.provider_events import (
    PROVIDER_EVENTS,
    DispatchEvent,
    MessageEvent,
    SendAccepted,
    SendDeferred,
    SendRejected,
    SendStarted,
)
from services.dispatcher import refused_offers, standing
from services.dispatcher.breaking import SenderBreaker
from services.dispatcher.facts import ACKNOWLEDGED_WITHIN, SOURCE, reason_of
from services.dispatcher.follow_ups import FollowUps, taken_from
from services.dispatcher.standing import Changes, pause_after
from services.dispatcher.store import ledger, people
from services.dispatcher.work import Claimed, Ended, Held

log = logging.getLogger(__name__)

LINGER = timedelta(milliseconds=5)
"""Waited after the first outcome for others to share its batch."""
BATCH = 500
_Item = Claimed | Held | Ended
LAST_WITHIN = timedelta(seconds=10)
"""A process that is asked to stop keeps its last outcomes for so long."""


class Recorder:
    """Takes outcomes in the order they happen and makes them durable."""

    def __init__(  # noqa: PLR0913 - it stands between all of these
        self,
        engine: sa.Engine,
        vault: Vault,
        producer: Producer,
        follow_ups: FollowUps,
        breaker: SenderBreaker,
        *,
        clock: Clock,
        probe_within: timedelta,
    ) -> None:
        """``probe_within``: the longest that a broken sender is left alone before it is probed."""
        self._engine = engine
        self._vault = vault
        self._producer = producer
        self._follow_ups = follow_ups
        self._breaker = breaker
        self._clock = clock
        self._probe_within = probe_within
        # Bounded by the work in flight: each piece puts in one start and one end.
        self._queue: asyncio.Queue[_Item] = asyncio.Queue()

    def started(self, work: Claimed) -> None:
        """Tell that an attempt begins."""
        self._queue.put_nowait(work)

    def ended(self, ended: Ended) -> None:
        """Tell what an attempt ended in; its record is finished once that is durable."""
        self._queue.put_nowait(ended)

    def held(self, held: Sequence[Held]) -> None:
        """Tell which messages wait, and why; untold where the process dies meanwhile."""
        for one in held:
            self._queue.put_nowait(one)

    async def run(self) -> None:
        """Record until cancelled, then record what is left, for a bounded time."""
        batch: list[_Item] = []
        try:
            while True:
                batch = await self._next_batch()
                await self._record(batch)
                batch = []
        finally:
            batch += self._rest()
            if batch:
                await self._record_last(batch)

    async def _record_last(self, batch: Sequence[_Item]) -> None:
        try:
            async with asyncio.timeout(LAST_WITHIN.total_seconds()):
                await self._record(batch)
        except TimeoutError:
            # Their claims stand: callbacks settle them, or the end of the grace period does.
            log.warning("outcomes.lost", extra={"count": len(batch)})

    async def _next_batch(self) -> list[_Item]:
        first = await self._queue.get()
        if self._queue.qsize() < BATCH:
            await asyncio.sleep(LINGER.total_seconds())
        return [first, *self._rest(BATCH - 1)]

    def _rest(self, most: int | None = None) -> list[_Item]:
        count = self._queue.qsize() if most is None else min(most, self._queue.qsize())
        return [self._queue.get_nowait() for _ in range(count)]

    async def _record(self, batch: Sequence[_Item]) -> None:
        # An outcome in hand is not let go of: it is kept until broker and ledger have it.
        now = self._clock()
        events = [event for item in batch for event in self._events_of(item)]
        records = [PROVIDER_EVENTS.record(event, source=SOURCE, at=now) for event in events]
        await insist(
            "outcomes.waiting",
            lambda: self._producer.publish(records, within=ACKNOWLEDGED_WITHIN),
        )
        ended = [item for item in batch if isinstance(item, Ended)]
        if ended:
            await insist("outcomes.waiting", lambda: self._enter(ended))
            self._breaker.ended(ended)
        for item in ended:
            item.work.done()

    async def _enter(self, ended: Sequence[Ended]) -> None:
        now = self._clock()

        def enter(connection: sa.Connection) -> Changes:
            ledger.record(connection, self._vault, ended, self._follow_ups.keeps, now=now)
            self._follow_ups.begin(connection, taken_from(ended))
            people.remember_replies(connection, self._vault, refused_offers.in_answers(ended))
            return standing.learn(connection, ended, now=now, probe_within=self._probe_within)

        standing.tell(await in_thread(self._engine, enter))

    def _events_of(self, item: _Item) -> list[MessageEvent]:
        event = event_of(item)
        if isinstance(event, SendAccepted) and isinstance(item, Ended):
            return self._follow_ups.told_with(event, item)
        return [] if event is None else [event]


def event_of(item: _Item) -> DispatchEvent | None:
    """Return the fact to publish; none where the outcome is not known yet."""
    match item:
        case Claimed():
            return SendStarted(
                message_id=item.request.message_id, attempt=item.attempt, at=item.claimed_at
            )
        case Held(message_id, attempt, hold, at):
            return SendDeferred(
                message_id=message_id,
                attempt=attempt,
                at=at,
                until=hold.until,
                failure=reason_of(hold.failure),
                held=hold.reason,
            )
        case Ended():
            return _of_end(item)


def _of_end(item: Ended) -> DispatchEvent | None:
    message_id, attempt = item.work.request.message_id, item.work.attempt
    match item.verdict:
        case Accept(provider_message_id) if provider_message_id is not None:
            return SendAccepted(
                message_id=message_id,
                provider_message_id=provider_message_id,
                attempt=attempt,
                at=item.at,
            )
        case Reject(failure):
            return SendRejected(
                message_id=message_id, attempt=attempt, at=item.at, failure=reason_of(failure)
            )
        case WaitUntil(due_at, failure) | HoldUntil(due_at, failure):
            return _deferred(item, due_at, failure)
        case Halt(failure):
            return _deferred(item, item.at + pause_after(item, failure), failure)
        case _:
            return None


def _deferred(item: Ended, until: datetime, failure: Failure) -> SendDeferred:
    return SendDeferred(
        message_id=item.work.request.message_id,
        attempt=item.work.attempt,
        at=item.at,
        until=until,
        failure=reason_of(failure),
    )
