"""How single sends are accepted: recorded, published, confirmed; a batch at a time (IM-01, IM-02).

The row is committed before the record is published, so a status query never asks in vain, and the
answer follows the broker's acknowledgement. Whoever dies in between leaves an unanswered key: its
repetition publishes again under the same message id, which the dispatcher's ledger knows.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec
import sqlalchemy as sa

from domain.identity import MessageId
from runtime.clock import Clock
from runtime.errors import Conflict, DatabaseAway, InvalidInput, TryAgainLater
from runtime.kafka.producer import Producer
from runtime.postgres import in_thread
from runtime.vault import Vault
from schemas.http.im import MessageAccepted
from schemas.topics.send_requests import SEND_REQUESTS, SendRequested
from services.scheduler.idempotency import ANOTHER_BODY, Key, first_answer
from services.scheduler.metrics import SENDS_ACCEPTED
from services.scheduler.store import keys, sends
from services.scheduler.store.keys import Remembered
from services.scheduler.store.sends import AcceptedSend, NewSend

log = logging.getLogger(__name__)

SOURCE: Final = "/sendtrail/scheduler"

PUBLISHED_WITHIN: Final = timedelta(milliseconds=800)
"""Leaves the caller an answer within a second when the broker is away (peers, R2)."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One send as its caller wants it."""

    request: SendRequested
    due_at: datetime | None
    """None: at once."""
    key: Key | None
    untimely: InvalidInput | None = None
    """Why it is not accepted unless it is a repetition: its times have passed."""


@dataclass(frozen=True, slots=True)
class Publish:
    """The record must reach the broker before the caller hears of it."""

    request: SendRequested


@dataclass(frozen=True, slots=True)
class Recorded:
    """All that the answer promises is in the database."""

    answer: MessageAccepted


Plan = Publish | Recorded | Conflict | InvalidInput


class Intake:
    """The way in for single sends."""

    def __init__(self, engine: sa.Engine, vault: Vault, producer: Producer, clock: Clock) -> None:
        self._engine = engine
        self._vault = vault
        self._producer = producer
        self._clock = clock

    async def accept(self, batch: Sequence[Asked]) -> list[MessageAccepted | Exception]:
        """Answer each send of the batch. Raises `DatabaseAway`: then none was accepted."""
        plans = await in_thread(
            self._engine,
            lambda connection: _record(connection, self._vault, batch, self._clock()),
        )
        away = await self._publish([plan.request for plan in plans if isinstance(plan, Publish)])
        if away is None:
            await self._confirm(batch, plans)
        answers = [_answer(plan, away) for plan in plans]
        for asked, answer in zip(batch, answers, strict=True):
            if isinstance(answer, MessageAccepted):
                SENDS_ACCEPTED.labels("now" if asked.due_at is None else "timed").inc()
        return answers

    async def _publish(self, requests: Sequence[SendRequested]) -> TryAgainLater | None:
        now = self._clock()
        once = {request.message_id: request for request in requests}
        records = [SEND_REQUESTS.record(one, source=SOURCE, at=now) for one in once.values()]
        try:
            await self._producer.publish(records, within=PUBLISHED_WITHIN)
        except TryAgainLater as away:
            return away
        return None

    async def _confirm(self, batch: Sequence[Asked], plans: Sequence[Plan]) -> None:
        now = self._clock()
        published = [
            (asked, plan.request)
            for asked, plan in zip(batch, plans, strict=True)
            if isinstance(plan, Publish)
        ]
        if not published:
            return
        answers = {
            asked.key.name: _stored(_accepted(request)) for asked, request in published if asked.key
        }

        def confirm(connection: sa.Connection) -> None:
            ids = {MessageId(request.message_id) for _, request in published}
            sends.mark_published(connection, ids, now=now)
            if answers:
                keys.answer(connection, answers)

        try:
            await in_thread(self._engine, confirm)
        except DatabaseAway:
            # The broker has them, so they are accepted; a repetition publishes the same ids.
            log.warning("sends.unconfirmed", extra={"count": len(published)})


def _record(
    connection: sa.Connection, vault: Vault, batch: Sequence[Asked], now: datetime
) -> list[Plan]:
    hashes = {
        asked.key.name: asked.key.body_hash
        for asked in reversed(batch)
        if asked.key and not asked.untimely
    }
    if hashes:
        keys.claim(connection, hashes, now=now)
    names = {asked.key.name for asked in batch if asked.key}
    remembered = keys.load(connection, names) if names else {}
    new = [_row(vault, asked) for asked in batch if _is_open(asked, remembered)]
    sends.insert(connection, vault, new)
    stored = sends.load(
        connection, vault, [MessageId(asked.request.message_id) for asked in batch if asked.key]
    )
    plans = [_plan(asked, remembered, stored) for asked in batch]
    answers = {
        asked.key.name: _stored(plan.answer)
        for asked, plan in zip(batch, plans, strict=True)
        if asked.key and isinstance(plan, Recorded)
    }
    if answers:
        keys.answer(connection, answers)
    return plans


def _is_open(asked: Asked, remembered: dict[keys.KeyName, Remembered]) -> bool:
    if asked.untimely is not None:
        return False
    if asked.key is None:
        return True
    known = remembered[asked.key.name]
    return known.answer is None and known.body_hash == asked.key.body_hash


def _row(vault: Vault, asked: Asked) -> NewSend:
    request = asked.request
    return NewSend(
        MessageId(request.message_id),
        request.requested_at,
        asked.due_at,
        vault.person(request.channel, request.recipient),
        msgspec.json.encode(request),
        request.tenant_id,
    )


def _plan(
    asked: Asked,
    remembered: dict[keys.KeyName, Remembered],
    stored: dict[MessageId, AcceptedSend],
) -> Plan:
    request = asked.request
    if asked.key is not None and asked.key.name in remembered:
        try:
            answer = first_answer(asked.key, remembered[asked.key.name])
        except Conflict as conflict:
            return conflict
        if answer is not None:
            return Recorded(MessageAccepted.model_validate(answer))
    if asked.untimely is not None:
        return asked.untimely
    if asked.key is not None:
        earlier = stored[MessageId(request.message_id)]
        request = msgspec.structs.replace(request, requested_at=earlier.sent_at)
        if msgspec.json.encode(request) != earlier.request or asked.due_at != earlier.due_at:
            # The key is forgotten, but a message that was timed under it is not.
            return Conflict(ANOTHER_BODY)
    return Publish(request) if asked.due_at is None else Recorded(_accepted(request))


def _answer(plan: Plan, away: TryAgainLater | None) -> MessageAccepted | Exception:
    match plan:
        case Conflict() | InvalidInput():
            return plan
        case Recorded(answer):
            return answer
        case Publish(request):
            return _accepted(request) if away is None else away


def _accepted(request: SendRequested) -> MessageAccepted:
    return MessageAccepted(message_id=request.message_id, sent_at=request.requested_at)


def _stored(answer: MessageAccepted) -> keys.Answer:
    return answer.model_dump(mode="json", by_alias=True)
