"""What the dispatcher does with requests, with due messages and with doubts."""

import logging
import random
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import sqlalchemy as sa
from aiokafka import TopicPartition

from domain.failures import ErrorCode, Failure, Origin
from domain.ledger import (
    Accept,
    Doubt,
    HoldUntil,
    LedgerPolicy,
    Reject,
    Verdict,
    WaitUntil,
    after_grace,
    after_reply,
    may_call,
)
from domain.outcomes import Scope
from providers.contract import Channel
from runtime.clock import Clock
from runtime.kafka.per_key import PerKey
from runtime.kafka.producer import Producer
from runtime.kafka.stream import Delivery, Group
from runtime.postgres import in_thread
from runtime.vault import Vault
from schemas.topics.provider_events import PROVIDER_EVENTS, SendRejected
from schemas.topics.send_requests import SendRequested, conversation_of
from services.dispatcher.breaking import SenderBreaker
from services.dispatcher.desk import Admission
from services.dispatcher.facts import ACKNOWLEDGED_WITHIN, SOURCE, reason_of
from services.dispatcher.follow_ups import FollowUps, taken_from_doubts
from services.dispatcher.lanes import Lanes
from services.dispatcher.metrics import CALLS, IN_DOUBT, RETRIES
from services.dispatcher.recorder import Recorder
from services.dispatcher.settings import DispatcherSettings
from services.dispatcher.store import doubts, finding, refusals
from services.dispatcher.work import Asked, Claimed, Ended

log = logging.getLogger(__name__)

SWEEP_LIMIT = 500
HOLD = timedelta(seconds=1)
"""A number without room has it again within a second: its limit is one of messages a second."""
HOLD_LONGEST = timedelta(seconds=5)
"""By then a longer pause is in the table of senders, where all processes find it."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What every handler of this service works with."""

    settings: DispatcherSettings
    engine: sa.Engine
    producer: Producer
    recorder: Recorder
    admission: Admission
    breaker: SenderBreaker
    follow_ups: FollowUps
    channels: Mapping[str, Channel]
    clock: Clock
    vault: Vault

    @property
    def policy(self) -> LedgerPolicy:
        """The ledger's rules with this process's times."""
        return LedgerPolicy(settle_after=self.settings.dispatcher_settle_after)


class Requests:
    """The handler of ``send-requests``: one message of a conversation at a time."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        # What this process has claimed for the stream and not finished.
        self._held: set[str] = set()
        self._gate: PerKey[Delivery] = PerKey(lambda delivery: conversation_of(delivery.value))
        self.lanes = Lanes(
            self.claim,
            self.call,
            self.put_down,
            calls_per_sender=tools.settings.dispatcher_calls_per_sender,
            most=tools.settings.dispatcher_max_in_flight,
        )

    async def assigned(self, places: Collection[TopicPartition], group: Group) -> None:
        """Nothing to prepare: the ledger knows what was claimed before."""

    async def receive(self, deliveries: Sequence[Delivery]) -> None:
        """Queue what may start now; what is behind it in its conversation follows it."""
        self.lanes.put([self._asked(delivery) for delivery in self._gate.admit(deliveries)])

    def revoked(self, places: Collection[TopicPartition]) -> None:
        """Forget what has not been claimed."""
        gone = frozenset(places)
        for delivery in self._gate.drop(lambda delivery: delivery.place in gone):
            delivery.forget()
        for asked in self.lanes.drop(lambda asked: asked.place in gone):
            asked.forget()

    async def claim(self, asked: Sequence[Asked]) -> Sequence[Claimed]:
        """Enter the requests in the ledger and return those that may be called.

        The others are known already, are refused, or wait in the ledger: their records are
        finished. Those whose senders have no room at the moment go back into their lanes.
        """
        tools, now = self._tools, self._tools.clock()
        owner = tools.settings.dispatcher_owner
        claims = await in_thread(
            tools.engine, lambda c: tools.admission.claim(c, asked, owner=owner, now=now)
        )
        tools.recorder.held(claims.held)
        back = [one for one in asked if one.message_id in claims.put_back]
        self.lanes.put_back(back)
        for one in back:
            self.lanes.hold(one.sender, claims.put_back[one.message_id] - tools.clock())
        ours: list[Claimed] = []
        for one in asked:
            work = claims.ours.get(one.message_id)
            # Ours and held already: the same request again, while its call is in progress.
            if one.message_id not in claims.put_back and (work is None or self._holds(one)):
                one.done()
            elif work is not None:
                ours.append(self._hold(work, one))
        called = [work for work in ours if call_or_refuse(tools, work, now)]
        self.lanes.learn_room(Counter(work.sender for work in called), {one.sender for one in back})
        return called

    async def put_down(self, asked: Sequence[Asked]) -> None:
        """Enter requests as waiting, and finish their records."""
        tools, now = self._tools, self._tools.clock()
        owner = tools.settings.dispatcher_owner
        ours = await in_thread(
            tools.engine, lambda c: tools.admission.put_down(c, asked, owner=owner, now=now)
        )
        for one in asked:
            work = ours.get(one.message_id)
            if work is None or self._holds(one):
                one.done()
            # A claim whose commit went unanswered, and that went back into its lane.
            elif call_or_refuse(tools, held := self._hold(work, one), now):
                self.lanes.start(held)

    async def call(self, work: Claimed) -> None:
        """Make a claimed attempt; where its sender has no room, its whole lane waits a moment."""
        verdict = await call(self._tools, work)
        if isinstance(verdict, HoldUntil) and verdict.scope is not Scope.RECIPIENT:
            now = self._tools.clock()
            rest = (verdict.rest_until or now) - now
            self.lanes.hold(work.sender, min(max(rest, HOLD), HOLD_LONGEST))

    def _holds(self, asked: Asked) -> bool:
        return asked.message_id in self._held

    def _hold(self, work: Claimed, asked: Asked) -> Claimed:
        self._held.add(asked.message_id)
        return replace(work, done=partial(self._let_go, asked))

    def _let_go(self, asked: Asked) -> None:
        self._held.discard(asked.request.message_id)
        asked.done()

    def _asked(self, delivery: Delivery) -> Asked:
        request: SendRequested = delivery.value
        return Asked(
            request,
            delivery.raw,
            self._tools.vault.conversation_id(
                request.channel, request.sender_id, request.recipient
            ),
            delivery.place,
            lambda: self._finish(delivery),
            lambda: self._let_pass(delivery),
        )

    def _finish(self, delivery: Delivery) -> None:
        delivery.finish()
        self._release(delivery)

    def _let_pass(self, delivery: Delivery) -> None:
        delivery.forget()
        self._release(delivery)

    def _release(self, delivery: Delivery) -> None:
        follower = self._gate.release(delivery)
        if follower is not None:
            self.lanes.put([self._asked(follower)])


def call_or_refuse(tools: Tools, work: Claimed, now: datetime) -> bool:
    """Tell the recorder what happens to claimed work; return whether it is to be called."""
    if work.refusal is None:
        tools.recorder.started(work)
    else:
        tools.recorder.ended(Ended(work, Reject(work.refusal), now))
    return work.refusal is None


async def call(tools: Tools, work: Claimed) -> Verdict:
    """Make the claimed attempt, hand its outcome to the recorder and return it."""
    try:
        verdict = await _attempt(tools, work)
    except Exception:
        # Whether the provider was called is not known; its conversation must not stop for that.
        log.exception("call.failed", extra={"message_id": work.request.message_id})
        verdict = Doubt(tools.clock() + tools.policy.settle_after)
    CALLS.labels(work.request.channel, type(verdict).__name__).inc()
    if work.attempt > 1:
        RETRIES.labels(work.sender).inc()
    tools.recorder.ended(Ended(work, verdict, tools.clock()))
    return verdict


async def _attempt(tools: Tools, work: Claimed) -> Verdict:
    lasts = tools.settings.dispatcher_claim_lasts
    if not may_call(claimed_at=work.claimed_at, now=tools.clock(), claim_lasts=lasts):
        # Others may have declared the claim abandoned; what was not called may be put down.
        stale = Failure(ErrorCode.UNKNOWN_ERROR, Origin.LOCAL, detail="claim gone stale")
        return WaitUntil(tools.clock(), stale)
    reply = await tools.channels[work.request.channel].send(work.message)
    verdict = after_reply(
        tools.policy,
        reply,
        work.tries,
        now=tools.clock(),
        chance=random.random(),  # noqa: S311 - spreads retries, keeps no secret
    )
    return work.accepted(verdict) if isinstance(verdict, Accept) else verdict


async def settle_doubts(tools: Tools) -> bool:
    """Settle what is in doubt: by evidence at once, without any when the grace period is over.

    Returns whether there may be more to do at once.
    """
    now, settings = tools.clock(), tools.settings

    def look(connection: sa.Connection) -> list[doubts.Doubtful]:
        abandoned = doubts.doubt_abandoned(
            connection,
            before=now - settings.dispatcher_abandoned_after,
            settle_at=now + settings.dispatcher_settle_after,
            now=now,
        )
        settled = finding.settle_by_evidence(connection, tools.vault, now=now)
        tools.follow_ups.begin(connection, taken_from_doubts(settled))
        if abandoned or settled:
            IN_DOUBT.labels("abandoned").inc(abandoned)
            IN_DOUBT.labels("settled_by_evidence").inc(len(settled))
            log.info("doubts.moved", extra={"abandoned": abandoned, "settled": len(settled)})
        return doubts.unsettled(connection, tools.vault, limit=SWEEP_LIMIT, now=now)

    unsettled = await in_thread(tools.engine, look)
    if unsettled:
        await _close(tools, unsettled)
    refused = await _refuse_abandoned(tools)
    return SWEEP_LIMIT in {len(unsettled), refused}


async def _refuse_abandoned(tools: Tools) -> int:
    """Tell the refusals that a dead process has left: nothing was sent, and the reason is known.

    The facts first and the ledger after: a crash in between tells the same facts again.
    """
    now = tools.clock()
    before = now - tools.settings.dispatcher_abandoned_after
    refused = await in_thread(
        tools.engine, lambda c: refusals.abandoned(c, before=before, limit=SWEEP_LIMIT)
    )
    if refused:
        events = [
            SendRejected(
                message_id=one.message_id,
                attempt=one.attempt,
                at=now,
                failure=reason_of(one.failure),
            )
            for one in refused
        ]
        records = [PROVIDER_EVENTS.record(event, source=SOURCE, at=now) for event in events]
        await tools.producer.publish(records, within=ACKNOWLEDGED_WITHIN)
        await in_thread(tools.engine, lambda c: refusals.settle(c, refused, now=now))
        log.info("refusals.told", extra={"count": len(refused)})
    return len(refused)


async def _close(tools: Tools, unsettled: Sequence[doubts.Doubtful]) -> None:
    now = tools.clock()
    events: list[SendRejected] = []
    again: list[str] = []
    for doubt in unsettled:
        verdict = after_grace(tools.policy, doubt.tries, now=now, resend_allowed=doubt.may_resend)
        if isinstance(verdict, Reject):
            events.append(
                SendRejected(
                    message_id=doubt.message_id,
                    attempt=doubt.tries.attempt,
                    at=now,
                    failure=reason_of(verdict.failure),
                )
            )
        else:
            again.append(doubt.message_id)
    records = [PROVIDER_EVENTS.record(event, source=SOURCE, at=now) for event in events]
    await tools.producer.publish(records, within=ACKNOWLEDGED_WITHIN)
    await in_thread(tools.engine, lambda c: doubts.close_doubts(c, unsettled, again, now=now))
    for doubt in unsettled:
        if doubt.message_id not in again:
            tools.breaker.failed(doubt.sender, Failure(ErrorCode.UNKNOWN_OUTCOME, Origin.LOCAL))
    IN_DOUBT.labels("unknown_outcome").inc(len(events))
    log.warning("doubts.closed", extra={"failed": len(events), "count": len(unsettled)})
