"""Leads messages through a running system and notes what could be seen of their lives.

First as many as it takes, all offered at once: its capacity. Then fewer, evenly: how late a
callback becomes visible, and whether what is on its way stays bounded.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from bench.arena import Arena
from bench.costs import Meter, difference
from bench.load import bare_producer, offer, offer_at, requests
from bench.measurement import Reading
from bench.readers import KEYS, Offsets, ends_of, since
from bench.watching import Watcher, watching
from deploy.pipeline import Pipeline
from schemas.topics.provider_events import PROVIDER_EVENTS, StatusReported
from schemas.topics.topic import header

SLOWEST = 40
"""Messages a second below which the benchmark gives up."""
SETTLES_WITHIN = timedelta(seconds=30)
STEADY = timedelta(seconds=20)
QUICK_STEADY = timedelta(seconds=5)
WARM_UP = 1_000
LOOK_EVERY = timedelta(milliseconds=250)

Change = tuple[str, str]
"""Message id and status."""


@dataclass(frozen=True, slots=True)
class AtCapacity:
    """Everything offered at once."""

    reading: Reading
    cpu_ms: dict[str, float]
    """A message, by process."""


@dataclass(frozen=True, slots=True)
class Steadily:
    """A rate that the system keeps up with, offered evenly."""

    per_second: float
    """Messages offered."""
    delays: Sequence[float]
    """Seconds from the callback's receipt to the visible change."""
    timed_share: float
    """Of the callbacks, those with a change to time: a `delivered` after its `read` causes none."""
    backlog: Sequence[tuple[float, int]]
    """Seconds since the begin, and how many messages were on their way."""


async def warm_up(system: Pipeline) -> None:
    """Lead some messages through a system just started, whose broker and pools are cold."""
    async with watching(system.bootstrap) as watcher, bare_producer(system.bootstrap) as producer:
        await offer(producer, requests(WARM_UP, "warm-up"))
        await watcher.until_ended(WARM_UP, SETTLES_WITHIN)


async def at_capacity(arena: Arena, system: Pipeline, meter: Meter) -> AtCapacity:
    """Offer all messages at once and see the last of them read."""
    records = requests(arena.messages, "capacity", after=WARM_UP)
    async with AsyncExitStack() as opened:
        watcher = await opened.enter_async_context(watching(system.bootstrap))
        producer = await opened.enter_async_context(bare_producer(system.bootstrap))
        await opened.enter_async_context(
            _meanwhile(_tell(arena, watcher, len(records), "at capacity"))
        )
        before, began = meter.cpu_seconds(), time.perf_counter()
        await offer(producer, records)
        within = SETTLES_WITHIN + timedelta(seconds=len(records) / SLOWEST)
        await watcher.until_ended(len(records), within)
        took, after = time.perf_counter() - began, meter.cpu_seconds()
    spent = difference(before, after)
    each = {name: seconds * 1_000 / len(records) for name, seconds in spent.items()}
    return AtCapacity(Reading(len(records), took), each)


async def steadily(arena: Arena, system: Pipeline, rate: float, *, after: int) -> Steadily:
    """Offer messages at a rate, evenly, for some seconds; ``after`` so many that went before."""
    lasts = QUICK_STEADY if arena.quick else STEADY
    records = requests(int(rate * lasts.total_seconds()), f"steady-{rate:.0f}", after=after)
    starts = await ends_of(system.bootstrap, PROVIDER_EVENTS.name)
    backlog: list[tuple[float, int]] = []
    async with AsyncExitStack() as opened:
        watcher = await opened.enter_async_context(watching(system.bootstrap))
        producer = await opened.enter_async_context(bare_producer(system.bootstrap))
        await opened.enter_async_context(
            _meanwhile(_tell(arena, watcher, len(records), f"at {rate:.0f}/s"))
        )
        async with _meanwhile(_note_backlog(watcher, rate, backlog)):
            await offer_at(producer, records, rate)
        await watcher.until_ended(len(records), SETTLES_WITHIN)
    received = await _received(system.bootstrap, starts)
    seen = watcher.seen_at
    delays = [seen[change] - at for change, at in received.items() if change in seen]
    return Steadily(rate, delays, len(delays) / len(received), backlog)


async def _received(bootstrap: str, starts: Offsets) -> dict[Change, float]:
    """Return when the ingester had each delivered and read callback in hand.

    Not `sent`: the reply to the send has told that before. The CloudEvents time is taken once the
    signature is verified and the body parsed, and written into the record.
    """
    received: dict[Change, float] = {}
    for record in await since(bootstrap, PROVIDER_EVENTS.name, starts):
        event = KEYS.decode(PROVIDER_EVENTS, record)
        if isinstance(event, StatusReported) and event.message_id and event.status != "sent":
            at = header(tuple(record.headers), "ce_time") or ""
            # The first: one that was refused and came again has waited since then.
            change = event.message_id, event.status
            received.setdefault(change, datetime.fromisoformat(at).timestamp())
    return received


async def _note_backlog(watcher: Watcher, rate: float, backlog: list[tuple[float, int]]) -> None:
    began = time.perf_counter()
    while True:
        passed = time.perf_counter() - began
        backlog.append((passed, int(rate * passed) - watcher.ended))
        await asyncio.sleep(LOOK_EVERY.total_seconds())


async def _tell(arena: Arena, watcher: Watcher, count: int, when: str) -> None:
    while True:
        arena.say(f"{when}: {watcher.ended:,} of {count:,} messages read")
        await asyncio.sleep(LOOK_EVERY.total_seconds())


@asynccontextmanager
async def _meanwhile(work: Coroutine[None, None, None]) -> AsyncGenerator[None]:
    """Run endless work beside the block, and end it with the block."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
