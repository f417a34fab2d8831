"""Asks providers what became of calls without an answer, where they can be asked (IM-08).

A doubt that its provider knows is entered as accepted, and followed like any other acceptance. One
that is not found stays a doubt: a provider's silence proves nothing, and the grace period ends it.
"""

import asyncio
import logging
from datetime import timedelta
from functools import partial
from typing import Final, Protocol

import sqlalchemy as sa

from domain.polling import next_find
from providers.contract import AskLater, Channel, Finder, Found, Message
from runtime.errors import TryAgainLater
from runtime.lifespan import Work, every
from runtime.postgres import in_thread
from schemas.topics.provider_events import PROVIDER_EVENTS, SendAccepted
from schemas.topics.send_requests import SEND_REQUESTS, SendRequested
from services.dispatcher.facts import ACKNOWLEDGED_WITHIN, SOURCE
from services.dispatcher.follow_ups import Taken
from services.dispatcher.handlers import Tools
from services.dispatcher.metrics import IN_DOUBT
from services.dispatcher.store import doubts
from services.dispatcher.store.doubts import Findable
from services.dispatcher.work import message_of

log = logging.getLogger(__name__)

TICK: Final = timedelta(seconds=1)
AT_ONCE: Final = 8
"""Doubts of one channel asked about at the same time, by one dispatcher."""
FIND_WITHIN: Final = timedelta(seconds=30)
LEASE: Final = FIND_WITHIN + timedelta(seconds=30)
"""Nobody else asks about a claimed doubt meanwhile."""


class FindingChannel(Channel, Finder, Protocol):
    """A channel whose provider can be asked."""


def works(tools: Tools) -> dict[str, Work]:
    """Return the asking as work of the service, a piece a channel: none waits for another."""
    return {
        f"finding_{name}": partial(every, TICK, partial(find_due, tools, name, channel))
        for name, channel in tools.channels.items()
        if isinstance(channel, Finder)
    }


async def find_due(tools: Tools, name: str, channel: FindingChannel) -> bool:
    """Ask a channel about the doubts that are due; tell whether there may be more."""
    now = tools.clock()
    claimed = await in_thread(
        tools.engine, lambda c: doubts.claim(c, name, limit=AT_ONCE, now=now, until=now + LEASE)
    )
    await asyncio.gather(*(_settle(tools, channel, doubt) for doubt in claimed))
    return len(claimed) == AT_ONCE


async def _settle(tools: Tools, channel: FindingChannel, doubt: Findable) -> None:
    try:
        request = SEND_REQUESTS.decode(doubt.request)
        found = await _find(channel, message_of(request, channel), doubt)
        if found is None:
            find_at = next_find(doubt.called_at, now=tools.clock())
            await in_thread(tools.engine, lambda c: doubts.put_back(c, doubt, find_at=find_at))
        else:
            await _accept(tools, doubt, request, found)
    except TryAgainLater as error:
        why = f"{type(error).__name__}: {error}"
        log.warning("finding.waiting", extra={"message_id": doubt.message_id, "why": why})
    except Exception:
        # Its claim runs out, and it is asked about again until the grace period is over.
        log.exception("finding.failed", extra={"message_id": doubt.message_id})


async def _find(channel: Finder, message: Message, doubt: Findable) -> Found | None:
    try:
        async with asyncio.timeout(FIND_WITHIN.total_seconds()):
            return await channel.find(message, called_at=doubt.called_at)
    except (AskLater, TimeoutError) as error:
        extra = {"message_id": doubt.message_id, "why": str(error) or type(error).__name__}
        log.info("finding.later", extra=extra)
        return None


async def _accept(tools: Tools, doubt: Findable, request: SendRequested, found: Found) -> None:
    # The fact first, then the ledger: a crash in between finds it again, and tells the same.
    accepted = SendAccepted(
        message_id=doubt.message_id,
        provider_message_id=found.provider_message_id,
        attempt=doubt.attempt,
        at=doubt.called_at,
    )
    event = tools.follow_ups.of_acceptance(accepted, request)
    record = PROVIDER_EVENTS.record(event, source=SOURCE, at=tools.clock())
    await tools.producer.publish([record], within=ACKNOWLEDGED_WITHIN)
    taken = Taken(request, doubt.request, found.provider_message_id, doubt.called_at)

    def enter(connection: sa.Connection) -> None:
        doubts.accept(connection, doubt, found.provider_message_id, now=tools.clock())
        tools.follow_ups.begin(connection, [taken])

    await in_thread(tools.engine, enter)
    IN_DOUBT.labels("found").inc()
    log.info("doubt.found", extra={"message_id": doubt.message_id})
