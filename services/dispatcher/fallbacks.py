"""Sends what a request wants to be sent instead of a message that failed or did not come (IM-58).

What became of the message is the projector's to say: its trail is looked at, often at first. The
fallback is a request like any other, under an id derived from the message's: however often it is
published, it is sent once.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from msgspec import structs

from domain.fallbacks import FIRST_PAUSE, Step, Wish, decide, next_look
from domain.identity import MessageId, message_id_for_fallback
from domain.lifecycle import Status
from runtime.clock import Clock
from runtime.kafka.producer import Producer
from runtime.postgres import in_thread
from runtime.vault import Vault
from schemas.topics.send_requests import SEND_REQUESTS, Fallback, SendRequested, conversation_of
from services.dispatcher.facts import ACKNOWLEDGED_WITHIN, SOURCE
from services.dispatcher.metrics import FALLBACKS
from services.dispatcher.store import fallbacks as store
from services.dispatcher.store.fallbacks import Noted
from services.dispatcher.work import Asked

log = logging.getLogger(__name__)

LOOK_LIMIT: Final = 500
LEASE: Final = timedelta(seconds=30)
"""Until then nobody else sends a fallback that is being sent; of one who died, somebody does."""


def note(connection: sa.Connection, vault: Vault, asked: Sequence[Asked], *, now: datetime) -> None:
    """Remember the fallbacks of messages that the ledger is about to enter for the first time."""
    requests = [one for one in asked if one.request.fallback]
    if requests:
        store.note(connection, vault, requests, now=now, next_look_at=now + FIRST_PAUSE)


def drop(connection: sa.Connection, message_ids: Sequence[str]) -> None:
    """Forget the fallbacks of messages that are not wanted any more, on any channel.

    For what was cancelled, has expired, or is to somebody who wants no messages: none of these
    failures is a reason to try another way.
    """
    store.forget(connection, message_ids)


async def send_due(engine: sa.Engine, vault: Vault, producer: Producer, clock: Clock) -> bool:
    """Look at the fallbacks that are due and send those that are wanted.

    Returns whether there may be more.
    """
    now = clock()
    looks = await in_thread(engine, lambda c: _look(c, vault, now))
    wanted = [one for one in looks if one.step is Step.SEND]
    if wanted:
        instead = [instead_of(one.request, one.fallback, now) for one in wanted]
        records = SEND_REQUESTS.records(instead, source=SOURCE, at=now)
        await producer.publish(records, within=ACKNOWLEDGED_WITHIN)
        sent = [one.request.message_id for one in wanted]
        await in_thread(engine, lambda c: store.forget(c, sent))
        log.info("fallbacks.sent", extra={"count": len(sent)})
    return len(looks) == LOOK_LIMIT


def instead_of(request: SendRequested, fallback: Fallback, now: datetime) -> SendRequested:
    """Return the request of the fallback: what it does not say is as in the first one."""
    other = structs.replace(
        request,
        message_id=message_id_for_fallback(MessageId(request.message_id)),
        original_message_id=request.message_id,
        requested_at=now,
        content=fallback.content,
        channel=fallback.channel or request.channel,
        sender_id=fallback.sender_id or request.sender_id,
        recipient=fallback.recipient or request.recipient,
        fallback=None,
    )
    # What it answers has its name in the first conversation only.
    is_elsewhere = conversation_of(other) != conversation_of(request)
    return structs.replace(other, reply_to=None) if is_elsewhere else other


def wish_of(request: SendRequested, fallback: Fallback) -> Wish:
    """Return when the fallback is wanted."""
    if fallback.unless is None or fallback.after is None:
        return Wish(frozenset(fallback.on_errors))
    deadline = request.requested_at + timedelta(seconds=fallback.after)
    return Wish(frozenset(fallback.on_errors), Status(fallback.unless), deadline)


@dataclass(frozen=True, slots=True)
class _Look:
    request: SendRequested
    fallback: Fallback
    step: Step
    next_at: datetime


def _look(connection: sa.Connection, vault: Vault, now: datetime) -> list[_Look]:
    """Decide on what is due. What is to be sent stays noted until it is on Kafka."""
    due = store.due(connection, vault, limit=LOOK_LIMIT, now=now)
    store.forget(connection, [one.message_id for one in due if one.request is None])
    looks = [_judge(one, one.request, now) for one in due if one.request is not None]
    for step, count in Counter(one.step for one in looks).items():
        FALLBACKS.labels(step.value).inc(count)
    unwanted = [one.request.message_id for one in looks if one.step is Step.FORGET]
    if unwanted:
        store.forget(connection, unwanted)
    later = {one.request.message_id: one.next_at for one in looks if one.step is not Step.FORGET}
    if later:
        store.look_again(connection, later)
    return looks


def _judge(noted: Noted, raw: bytes, now: datetime) -> _Look:
    request = SEND_REQUESTS.decode(raw)
    fallback = request.fallback
    if fallback is None:
        raise ValueError("a request without a fallback was noted")
    wish = wish_of(request, fallback)
    step = decide(wish, noted.seen, noted_at=noted.noted_at, now=now)
    next_at = next_look(wish, noted_at=noted.noted_at, now=now)
    return _Look(request, fallback, step, now + LEASE if step is Step.SEND else next_at)
