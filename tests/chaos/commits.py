"""R5: commits that come late, never, or without an answer, and a projector killed in one."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from aiokafka import AIOKafkaConsumer

from runtime.clock import now
from schemas.topics.status_changes import STATUS_CHANGES
from tests.chaos.arena import Arena, Trial
from tests.chaos.load import Feed, plan
from tests.chaos.proxy import Ambush, Fate, Proxy

STALLED_AT_MOST = timedelta(seconds=15)
"""From a change's transaction in the database until a read_committed reader has it."""
LATE_BY = timedelta(seconds=30)
KILLED_LATE_BY = timedelta(seconds=3)
SPRUNG_WITHIN = timedelta(seconds=30)
SHARES = (0.05, 0.45, 0.55, 0.65)
"""How much has been fed when each of the ambushes is laid."""


class Reader:
    """Reads `status-changes` all the time and measures how long changes take."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self.longest = timedelta()

    async def run(self) -> None:
        """Read until cancelled."""
        consumer = AIOKafkaConsumer(
            STATUS_CHANGES.name,
            bootstrap_servers=self._bootstrap,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
        )
        await consumer.start()
        try:
            while True:
                polled = await consumer.getmany(timeout_ms=200)
                arrived_at = now()
                for record in [record for records in polled.values() for record in records]:
                    change = STATUS_CHANGES.decode(record.value)
                    self.longest = max(self.longest, arrived_at - change.recorded_at)
        finally:
            await consumer.stop()


def disturbed_commits(
    count: int, *, over: timedelta, late_by: timedelta = LATE_BY, special: int = 10
) -> Trial:
    """R5: one projector's commits go through the proxy, and meet four fates.

    ``special`` ones halt their sender for ten seconds and more: a short form does without.
    """

    async def act(arena: Arena, feed: Feed) -> None:
        proxy = await arena.open.enter_async_context(Proxy(arena.system.stack.ports.kafka))
        await arena.open.enter_async_context(_reading(arena))
        arena.system.process("status_projector", 0).env["KAFKA_BOOTSTRAP_SERVERS"] = proxy.bootstrap
        await arena.kill("status_projector", 0)
        await feed.reached(SHARES[0])
        late = await _sprung(proxy.lay(Fate.LATE, late_by))
        for share, fate in zip(SHARES[1:3], (Fate.LOST, Fate.UNANSWERED), strict=True):
            await feed.reached(share)
            await (await _sprung(proxy.lay(fate))).over.wait()
        await feed.reached(SHARES[3])
        killed_in = await _sprung(proxy.lay(Fate.LATE, KILLED_LATE_BY))
        await arena.kill("status_projector", 0)
        await killed_in.over.wait()
        await late.over.wait()

    return Trial(
        fault="R5 commits late, lost, unanswered, killed in",
        planned=plan(count, special=special),
        over=over,
        act=act,
    )


@asynccontextmanager
async def _reading(arena: Arena) -> AsyncGenerator[None]:
    reader = Reader(arena.system.bootstrap)
    task = asyncio.create_task(reader.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        if reader.longest > STALLED_AT_MOST:
            arena.remarks.append(f"a reader stalled {reader.longest.total_seconds():.1f} s")


async def _sprung(ambush: Ambush) -> Ambush:
    async with asyncio.timeout(SPRUNG_WITHIN.total_seconds()):
        await ambush.sprung.wait()
    return ambush
