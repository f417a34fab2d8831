"""What follows an acceptance: who it will not go to is told, and results are asked for (CF-12).

A message whose provider tells results only to those who ask has a row from its acceptance until
its last result is told. The order is that of `recorder.py`: first the facts on Kafka, then the
table. So a crash asks once more and tells the same facts again, which changes nothing.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import sqlalchemy as sa
from msgspec import structs

from domain import polling
from domain.failures import Failure
from domain.identity import ProviderMessageId
from domain.ledger import Accept
from domain.lifecycle import FailedAt
from providers.contract import AskLater, Channel, Finder, Polled, Poller, Sent
from runtime.clock import Clock
from runtime.errors import TryAgainLater
from runtime.kafka.producer import Producer
from runtime.lifespan import Work, every
from runtime.postgres import in_thread
from runtime.vault import Vault
from schemas.topics.provider_events import (
    PROVIDER_EVENTS,
    MessageEvent,
    SendAccepted,
    StatusReported,
)
from schemas.topics.send_requests import SEND_REQUESTS, SendRequested
from services.dispatcher.facts import ACKNOWLEDGED_WITHIN, SOURCE, reason_of
from services.dispatcher.metrics import RESULTS
from services.dispatcher.results import Told, told_by
from services.dispatcher.store import follow_ups as store
from services.dispatcher.store.finding import Settled
from services.dispatcher.store.follow_ups import FollowUp
from services.dispatcher.work import Ended, message_of

log = logging.getLogger(__name__)

TICK: Final = timedelta(seconds=1)
AT_ONCE: Final = 8
"""Messages of one channel asked for at the same time, by one dispatcher."""
ASK_WITHIN: Final = timedelta(minutes=2)
"""A group send to thousands takes a page a thousand, and a page a member."""
LEASE: Final = ASK_WITHIN + timedelta(minutes=1)
"""Nobody else asks for a claimed message meanwhile; of one that died, somebody does after it."""
PUBLISHED_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that its provider took."""

    request: SendRequested
    raw: bytes
    provider_message_id: str
    at: datetime
    refused: Mapping[str, Failure] = field(default_factory=dict[str, Failure])


def taken_from(ended: Iterable[Ended]) -> list[Taken]:
    """Return the messages that attempts have just brought to their providers."""
    return [
        Taken(one.work.request, one.work.raw, accept.provider_message_id, one.at, accept.refused)
        for one in ended
        if isinstance(accept := one.verdict, Accept) and accept.provider_message_id is not None
    ]


def taken_from_doubts(settled: Iterable[Settled]) -> list[Taken]:
    """Return the messages that turned out to be at their providers; those whose request is kept."""
    return [
        Taken(
            SEND_REQUESTS.decode(one.request), one.request, one.provider_message_id, one.called_at
        )
        for one in settled
        if one.request is not None
    ]


class FollowUps:
    """Follows what the channels' providers took until the results are known."""

    def __init__(
        self,
        engine: sa.Engine,
        vault: Vault,
        producer: Producer,
        channels: Mapping[str, Channel],
        *,
        within: timedelta,
        clock: Clock,
    ) -> None:
        self._engine = engine
        self._vault = vault
        self._producer = producer
        self._within = within
        self._clock = clock
        self._pollers = {n: one for n, one in channels.items() if isinstance(one, Poller)}
        self._finders = {name for name, one in channels.items() if isinstance(one, Finder)}

    def keeps(self, request: SendRequested) -> bool:
        """Tell whether the request is needed while nobody knows what became of its call.

        To be sent again, to be looked for, or to be followed once evidence shows where it is.
        """
        return (
            request.resend_in_doubt or request.channel in self._finders or self._is_polled(request)
        )

    def told_with(self, accepted: SendAccepted, ended: Ended) -> list[MessageEvent]:
        """Return the acceptance, and a failure of each recipient that the provider refused."""
        request = ended.work.request
        events: list[MessageEvent] = [self.of_acceptance(accepted, request)]
        if isinstance(ended.verdict, Accept):
            events += [
                StatusReported(
                    channel=request.channel,
                    provider_message_id=accepted.provider_message_id,
                    message_id=request.message_id,
                    status="failed",
                    occurred_at=ended.at,
                    sender_id=request.sender_id,
                    failure=reason_of(failure),
                    participant=participant,
                )
                for participant, failure in ended.verdict.refused.items()
            ]
        return events

    def of_acceptance(self, accepted: SendAccepted, request: SendRequested) -> SendAccepted:
        """Return the acceptance with what it means: sent, or a task whose results follow."""
        if self._is_polled(request):
            return structs.replace(accepted, results_follow=True)
        return accepted

    def begin(self, connection: sa.Connection, taken: Sequence[Taken]) -> None:
        """Follow those whose results have to be asked for, from this transaction's commit on."""
        rows = [self._row(one) for one in taken if self._is_polled(one.request)]
        if rows:
            store.add(connection, self._vault, rows)

    def works(self) -> dict[str, Work]:
        """Return the asking as work of the service, a piece a channel: none waits for another."""
        return {
            f"results_{name}": partial(every, TICK, partial(self.ask_due, name))
            for name in self._pollers
        }

    async def ask_due(self, name: str) -> bool:
        """Ask a channel for the results that are due; tell whether there may be more."""
        now = self._clock()
        claimed = await in_thread(
            self._engine,
            lambda c: store.claim_due(
                c, self._vault, name, limit=AT_ONCE, now=now, until=now + LEASE
            ),
        )
        await asyncio.gather(*(self._follow(one) for one in claimed))
        return len(claimed) == AT_ONCE

    async def _follow(self, claimed: FollowUp) -> None:
        try:
            await self._ask(claimed)
        except TryAgainLater as error:
            why = f"{type(error).__name__}: {error}"
            log.warning("results.waiting", extra={"message_id": claimed.message_id, "why": why})
        except Exception:
            # Its claim runs out, and it is asked for again.
            log.exception("results.failed", extra={"message_id": claimed.message_id})

    async def _ask(self, claimed: FollowUp) -> None:
        poller = self._pollers[claimed.channel]
        request = SEND_REQUESTS.decode(claimed.request)
        sent = Sent(
            message_of(request, poller.address(request.recipient)),
            ProviderMessageId(claimed.provider_message_id),
            claimed.accepted_at,
            claimed.already,
        )
        polled = await _poll(poller, sent)
        over = polling.is_over(
            sent.accepted_at, now=self._clock(), within=self._within, told=polled is not None
        )
        RESULTS.labels(claimed.channel, _outcome(polled, over=over)).inc()
        if polled is None and not over:
            await self._put_off(claimed)
            return
        answer = Polled((), complete=False) if polled is None else polled
        results = list(answer.results)
        if over and not answer.complete:
            known = claimed.already | {one.participant for one in results if one.participant}
            limit = sent.accepted_at + self._within
            results += poller.unanswered(replace(sent, already=known), at=limit)
        told = told_by(claimed, request, results, is_last=over or answer.complete)
        await self._publish(told.events)
        await self._enter(claimed, told)

    async def _put_off(self, claimed: FollowUp) -> None:
        delays = claimed.delays + 1
        next_at = self._clock() + polling.soon(delays)
        after = replace(claimed, delays=delays, next_at=next_at)
        await in_thread(self._engine, lambda c: store.put_back(c, self._vault, claimed, after))

    async def _publish(self, events: Sequence[StatusReported]) -> None:
        records = PROVIDER_EVENTS.records(events, source=SOURCE, at=self._clock())
        for first in range(0, len(records), PUBLISHED_AT_ONCE):
            some = records[first : first + PUBLISHED_AT_ONCE]
            await self._producer.publish(some, within=ACKNOWLEDGED_WITHIN)

    async def _enter(self, claimed: FollowUp, told: Told) -> None:
        if told.is_last:
            await in_thread(self._engine, lambda c: store.finish(c, claimed.message_id))
            return
        next_at = polling.next_results(claimed.accepted_at, now=self._clock(), within=self._within)
        after = replace(claimed, already=told.already, tally=told.tally, delays=0, next_at=next_at)
        await in_thread(self._engine, lambda c: store.put_back(c, self._vault, claimed, after))

    def _is_polled(self, request: SendRequested) -> bool:
        poller = self._pollers.get(request.channel)
        return poller is not None and poller.is_polled(request.content)

    def _row(self, taken: Taken) -> FollowUp:
        refused = [FailedAt(taken.at, failure) for failure in taken.refused.values()]
        return FollowUp(
            message_id=taken.request.message_id,
            channel=taken.request.channel,
            provider_message_id=taken.provider_message_id,
            request=taken.raw,
            accepted_at=taken.at,
            next_at=polling.next_results(taken.at, now=taken.at, within=self._within),
            already=frozenset(taken.refused),
            tally=polling.counted(polling.Tally(), [], refused),
        )


async def _poll(poller: Poller, sent: Sent) -> Polled | None:
    """Return the answer, None where the provider cannot say."""
    try:
        async with asyncio.timeout(ASK_WITHIN.total_seconds()):
            return await poller.poll(sent)
    except (AskLater, TimeoutError) as error:
        extra = {"message_id": sent.message.message_id, "why": str(error) or type(error).__name__}
        log.info("results.later", extra=extra)
    except Exception:
        # Another package's channel may raise anything; the message must not be lost for that.
        log.exception("results.unreadable", extra={"message_id": sent.message.message_id})
    return None


def _outcome(polled: Polled | None, *, over: bool) -> str:
    if polled is None:
        return "over" if over else "later"
    if polled.complete:
        return "complete"
    return "over" if over else "told"
