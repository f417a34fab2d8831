"""Asks providers what became of calls without an answer, where they can be asked (IM-08).

A doubt that its provider knows is entered as accepted, and followed like any other acceptance. What
the provider has is taken for one message only: it is reserved in the ledger first. One that is not
found stays a doubt: a provider's silence proves nothing, and the grace period ends it.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Final

import sqlalchemy as sa

from domain.polling import next_find
from providers.contract import AskLater, Channel, Finder, Found, Message
from runtime.clock import Clock
from runtime.errors import TryAgainLater
from runtime.kafka.producer import Producer
from runtime.lifespan import Work, every
from runtime.postgres import in_thread
from runtime.vault import Vault
from schemas.topics.provider_events import PROVIDER_EVENTS, SendAccepted
from schemas.topics.send_requests import SEND_REQUESTS, SendRequested
from services.dispatcher.facts import ACKNOWLEDGED_WITHIN, SOURCE
from services.dispatcher.follow_ups import FollowUps, Taken
from services.dispatcher.metrics import IN_DOUBT
from services.dispatcher.store import finding as store
from services.dispatcher.store.finding import Findable
from services.dispatcher.work import message_of

log = logging.getLogger(__name__)

TICK: Final = timedelta(seconds=1)
AT_ONCE: Final = 8
"""Doubts of one channel asked about at the same time, by one dispatcher."""
FIND_WITHIN: Final = timedelta(seconds=30)
LEASE: Final = FIND_WITHIN + timedelta(seconds=30)
"""Nobody else asks about a claimed doubt meanwhile."""


class Finding:
    """Asks the channels that can be asked, each about its own doubts."""

    def __init__(
        self,
        engine: sa.Engine,
        vault: Vault,
        producer: Producer,
        channels: Mapping[str, Channel],
        follow_ups: FollowUps,
        *,
        clock: Clock,
    ) -> None:
        self._engine = engine
        self._vault = vault
        self._producer = producer
        self._follow_ups = follow_ups
        self._clock = clock
        self._finders = {n: one for n, one in channels.items() if isinstance(one, Finder)}

    def works(self) -> dict[str, Work]:
        """Return the asking as work of the service, a piece a channel: none waits for another."""
        return {
            f"finding_{name}": partial(every, TICK, partial(self.find_due, name))
            for name in self._finders
        }

    async def find_due(self, name: str) -> bool:
        """Ask a channel about the doubts that are due; tell whether there may be more."""
        now = self._clock()
        claimed = await in_thread(
            self._engine,
            lambda c: store.claim(c, self._vault, name, limit=AT_ONCE, now=now, until=now + LEASE),
        )
        await asyncio.gather(*(self._settle(name, doubt) for doubt in claimed))
        return len(claimed) == AT_ONCE

    async def _settle(self, name: str, doubt: Findable) -> None:
        finder, request = self._finders[name], SEND_REQUESTS.decode(doubt.request)
        try:
            found = await _find(
                finder, message_of(request, finder.address(request.recipient)), doubt
            )
            ours = await self._reserve(doubt, name, found) if found else None
            if ours is None:
                find_at = next_find(doubt.called_at, now=self._clock())
                await in_thread(self._engine, lambda c: store.put_back(c, doubt, find_at=find_at))
            else:
                await self._accept(doubt, request, ours)
        except TryAgainLater as error:
            why = f"{type(error).__name__}: {error}"
            log.warning("finding.waiting", extra={"message_id": doubt.message_id, "why": why})
        except Exception:
            # Its claim runs out, and it is asked about again until the grace period is over.
            log.exception("finding.failed", extra={"message_id": doubt.message_id})

    async def _reserve(self, doubt: Findable, name: str, found: Sequence[Found]) -> str | None:
        return await in_thread(self._engine, lambda c: store.reserve(c, doubt, name, found))

    async def _accept(self, doubt: Findable, request: SendRequested, ours: str) -> None:
        # The fact first, then the ledger: a crash in between finds it again, and tells the same.
        accepted = SendAccepted(
            message_id=doubt.message_id,
            provider_message_id=ours,
            attempt=doubt.attempt,
            at=doubt.called_at,
        )
        event = self._follow_ups.of_acceptance(accepted, request)
        record = PROVIDER_EVENTS.record(event, source=SOURCE, at=self._clock())
        await self._producer.publish([record], within=ACKNOWLEDGED_WITHIN)
        taken = Taken(request, doubt.request, ours, doubt.called_at)

        def enter(connection: sa.Connection) -> None:
            store.accept(connection, doubt, ours, now=self._clock())
            self._follow_ups.begin(connection, [taken])

        await in_thread(self._engine, enter)
        IN_DOUBT.labels("found").inc()
        log.info("doubt.found", extra={"message_id": doubt.message_id})


async def _find(finder: Finder, message: Message, doubt: Findable) -> Sequence[Found]:
    try:
        async with asyncio.timeout(FIND_WITHIN.total_seconds()):
            return await finder.find(message, called_at=doubt.called_at)
    except (AskLater, TimeoutError) as error:
        extra = {"message_id": doubt.message_id, "why": str(error) or type(error).__name__}
        log.info("finding.later", extra=extra)
        return ()
