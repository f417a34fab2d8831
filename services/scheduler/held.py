"""Transactions that stay open while the broker acknowledges what is published inside them.

Rows are claimed, their records published, the rows marked and the transaction committed: whoever
dies in between leaves the rows as they were, and the next one publishes the same ids again.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeVar

import sqlalchemy as sa

from runtime.kafka.producer import Producer
from runtime.postgres import in_thread
from schemas.topics.topic import Outgoing

T = TypeVar("T")

Publish = Callable[[Sequence[Outgoing]], None]
"""Called in a worker thread: returns when the broker has the records, or raises `BrokerAway`."""

ACKNOWLEDGED_WITHIN = timedelta(seconds=5)
"""Below the time after which PostgreSQL ends a silent transaction (runtime.postgres)."""


async def held(
    engine: sa.Engine,
    producer: Producer,
    work: Callable[[sa.Connection, Publish], T],
    *,
    within: timedelta = ACKNOWLEDGED_WITHIN,
) -> T:
    """Run ``work`` in one transaction in a worker thread; a cancelled caller waits for its end.

    ``within``: how long the broker has for what is published.

    Waiting keeps the stop in order: the producer is closed after the last transaction.
    """
    loop = asyncio.get_running_loop()

    def publish(records: Sequence[Outgoing]) -> None:
        acknowledged = producer.publish(records, within=within)
        asyncio.run_coroutine_threadsafe(acknowledged, loop).result()

    running = asyncio.ensure_future(in_thread(engine, lambda connection: work(connection, publish)))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        # Retrieved so that it is not reported as lost: the stop is what counts now.
        if not running.cancelled():
            running.exception()
        raise
