"""What the fetcher does with facts, and with each file it has claimed."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import sqlalchemy as sa
from aiokafka import TopicPartition

from providers.media import MediaSource
from runtime.clock import Clock
from runtime.kafka.producer import Producer
from runtime.kafka.stream import Delivery, Group
from runtime.lifespan import insist
from runtime.media import MediaStore
from runtime.postgres import in_thread
from runtime.sealed_files import file_seal
from runtime.vault import Vault
from schemas.topics.provider_events import (
    PROVIDER_EVENTS,
    MediaEvent,
    MediaLost,
    MediaStored,
    MessageReceived,
    ProviderEvent,
)
from services.fetcher.fetch import Fetched, fetch
from services.fetcher.metrics import FAILED, MEDIA, SECONDS, WAITING
from services.fetcher.settings import FetcherSettings
from services.fetcher.store import files
from services.fetcher.store.files import Wanted
from services.fetcher.verdicts import (
    FetchPolicy,
    Lose,
    NotFetched,
    Passing,
    TryAgain,
    after_failure,
)

log = logging.getLogger(__name__)

SOURCE = "/sendtrail/fetcher"
ACKNOWLEDGED_WITHIN = timedelta(seconds=5)
COUNT_EVERY = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Tools:
    """What every handler of this service works with."""

    settings: FetcherSettings
    engine: sa.Engine
    producer: Producer
    sources: Mapping[str, MediaSource]
    """By channel. The files of a channel without one wait for it."""
    media: MediaStore
    vault: Vault
    clock: Clock

    @property
    def policy(self) -> FetchPolicy:
        """The rules with this process's times."""
        return FetchPolicy(give_up_after=self.settings.fetcher_give_up_after)


Note = Callable[[Sequence[ProviderEvent]], Awaitable[None]]
"""Writes down, committed, what else the events only point at."""


class Announcements:
    """The handler of ``provider-events``: writes down what they only point at."""

    def __init__(self, tools: Tools, wake: Callable[[], None], note: Note) -> None:
        self._tools = tools
        self._wake = wake
        self._note = note

    async def assigned(self, places: Collection[TopicPartition], group: Group) -> None:
        """Nothing to prepare: what is known already is in the table."""

    async def receive(self, deliveries: Sequence[Delivery]) -> None:
        """Enter it, committed, before the records are finished."""
        events: list[ProviderEvent] = [delivery.value for delivery in deliveries]
        messages = [
            event
            for event in events
            if isinstance(event, MessageReceived) and event.media is not None
        ]
        if messages:
            now = self._tools.clock()
            await in_thread(
                self._tools.engine,
                lambda c: files.remember(c, self._tools.vault, messages, now=now),
            )
            self._wake()
        await self._note(events)
        for delivery in deliveries:
            delivery.finish()

    def revoked(self, places: Collection[TopicPartition]) -> None:
        """Nothing to forget: no record is held."""


async def attempt(tools: Tools, wanted: Wanted) -> None:
    """Fetch a claimed file and tell what became of it: stored, lost, or to be tried again.

    Cancelled while it is on its way, it is put down for the next who asks.
    """
    began = time.monotonic()
    try:
        outcome = await _outcome(tools, wanted)
    except asyncio.CancelledError:
        await _put_down(tools, wanted, due_in=timedelta(), why=None)
        raise
    if isinstance(outcome, TryAgain):
        FAILED.labels(wanted.channel, outcome.why).inc()
        await _put_down(tools, wanted, due_in=outcome.due_at - tools.clock(), why=outcome.why)
        return
    event = _event(outcome, wanted, tools)
    await _settle(tools, wanted, event)
    if isinstance(event, MediaStored):
        SECONDS.labels(wanted.channel).observe(time.monotonic() - began)
    MEDIA.labels(wanted.channel, _word(event)).inc()


async def count_waiting(tools: Tools) -> bool:
    """Count the files that wait, for the metrics."""
    waiting = await in_thread(tools.engine, files.waiting)
    for channel in {*waiting, *tools.sources}:
        WAITING.labels(channel).set(waiting.get(channel, 0))
    return False


async def _outcome(tools: Tools, wanted: Wanted) -> Fetched | TryAgain | Lose:
    source = tools.sources[wanted.channel]
    seal = partial(file_seal, tools.engine, tools.vault)
    largest = source.largest(wanted.message_type) or tools.settings.largest(wanted.message_type)
    try:
        async with asyncio.timeout(tools.settings.fetcher_fetch_within.total_seconds()):
            return await fetch(source, tools.media, seal, wanted, largest=largest)
    except NotFetched as error:
        failure = error.failure
    except TimeoutError:
        failure = Passing("took too long")
    except Exception as error:
        # Of no kind that we know: seen in the log, and no reason to stop the others.
        log.exception("media.failed", extra={"channel": wanted.channel, "file": wanted.id})
        failure = Passing(type(error).__name__)
    now = tools.clock()
    return after_failure(
        tools.policy,
        failure,
        attempt=wanted.attempt,
        asked_at=wanted.asked_at,
        now=now,
        chance=random.random(),  # noqa: S311 - spreads retries, guards nothing
    )


async def _put_down(tools: Tools, wanted: Wanted, *, due_in: timedelta, why: str | None) -> None:
    owner, now = tools.settings.fetcher_owner, tools.clock()
    due_at = now + due_in
    if why is not None:
        shown = {"channel": wanted.channel, "file": wanted.id, "attempt": wanted.attempt}
        log.warning("media.waiting", extra={**shown, "why": why, "due_at": due_at.isoformat()})
    await insist(
        "media.settling",
        lambda: in_thread(
            tools.engine,
            lambda c: files.wait(c, wanted, owner, due_at=due_at, why=why, now=now),
        ),
    )


async def _settle(tools: Tools, wanted: Wanted, event: MediaEvent) -> None:
    # First the fact, then the row: a crash between them fetches again and says the same again.
    record = PROVIDER_EVENTS.record(event, source=SOURCE, at=event.at)
    await insist(
        "media.settling", lambda: tools.producer.publish([record], within=ACKNOWLEDGED_WITHIN)
    )
    owner = tools.settings.fetcher_owner
    await insist(
        "media.settling",
        lambda: in_thread(tools.engine, lambda c: files.settle(c, wanted, owner, event)),
    )
    shown = {"channel": wanted.channel, "file": wanted.id, "attempt": wanted.attempt}
    level = logging.INFO if isinstance(event, MediaStored) else logging.WARNING
    log.log(level, "media.settled", extra={**shown, "outcome": _word(event)})


def _event(outcome: Fetched | Lose, wanted: Wanted, tools: Tools) -> MediaEvent:
    if isinstance(outcome, Lose):
        return MediaLost(
            channel=wanted.channel,
            provider_message_id=wanted.provider_message_id,
            media_id=wanted.media_id,
            reason=outcome.reason,
            detail=outcome.detail,
            at=tools.clock(),
        )
    return MediaStored(
        channel=wanted.channel,
        provider_message_id=wanted.provider_message_id,
        media_id=wanted.media_id,
        key=outcome.key,
        mime_type=outcome.mime_type,
        size=outcome.size,
        sha256=outcome.sha256,
        file_name=outcome.file_name,
        at=tools.clock(),
    )


def _word(event: MediaEvent) -> str:
    return "stored" if isinstance(event, MediaStored) else event.reason
