"""How quick exactly-once can be on this machine: events in, one transaction a batch, changes out.

A bare loop consumes events that are offered at a pace, copies each batch in one Kafka transaction,
and a read_committed consumer notes when each copy became visible. No database, no decision.
"""

import asyncio
import time
from contextlib import AsyncExitStack, suppress

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bench.arena import Arena
from bench.load import bare_producer, offer_at
from bench.readers import reader
from schemas.topics.provider_events import PROVIDER_EVENTS
from schemas.topics.status_changes import STATUS_CHANGES
from schemas.topics.topic import Outgoing

BODY = b"x" * 300
"""About as long as an event."""
SETTLES_WITHIN = 10


def bare_relay(arena: Arena, *, per_second: float, seconds: float) -> list[float]:
    """Return how long each event took from its offering to its copy's visibility, in seconds."""
    return uvloop.run(_relay(arena.bootstrap, per_second, seconds))


async def _relay(bootstrap: str, per_second: float, seconds: float) -> list[float]:
    count = int(per_second * seconds)
    async with AsyncExitStack() as opened:
        source = await opened.enter_async_context(bare_producer(bootstrap))
        events = await opened.enter_async_context(reader(bootstrap, PROVIDER_EVENTS.name))
        copies = await opened.enter_async_context(reader(bootstrap, STATUS_CHANGES.name))
        relay = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id="bench-relay")
        await relay.start()
        opened.push_async_callback(relay.stop)
        copying = asyncio.create_task(_copy(events, relay))
        watching = asyncio.create_task(_watch(copies, count))
        records = [Outgoing(PROVIDER_EVENTS.name, b"%d" % n, BODY, ()) for n in range(count)]
        await offer_at(source, records, per_second)
        async with asyncio.timeout(SETTLES_WITHIN):
            took = await watching
        copying.cancel()
        with suppress(asyncio.CancelledError):
            await copying
    return took


async def _copy(events: AIOKafkaConsumer, relay: AIOKafkaProducer) -> None:
    while True:
        polled = await events.getmany(timeout_ms=200)
        records = [record for batch in polled.values() for record in batch]
        if not records:
            continue
        await relay.begin_transaction()
        for record in records:
            # Milliseconds: when it was offered.
            stamp = b"%d" % record.timestamp
            await relay.send(
                STATUS_CHANGES.name, value=BODY, key=record.key, headers=[("t", stamp)]
            )
        await relay.commit_transaction()


async def _watch(copies: AIOKafkaConsumer, count: int) -> list[float]:
    took: list[float] = []
    while len(took) < count:
        polled = await copies.getmany(timeout_ms=200)
        seen_at = time.time()
        for records in polled.values():
            took += [seen_at - int(record.headers[0][1]) / 1_000 for record in records]
    return took
