"""How much memory the services take while 100,000 requests wait (architecture, promise 9)."""

import asyncio
import time
from datetime import timedelta

import sqlalchemy as sa
import uvloop

from bench.arena import Arena
from bench.costs import MB, Meter
from bench.load import bare_producer, offer, requests
from bench.measurement import BenchError, Measurement
from deploy.pipeline import Pipeline
from deploy.wiring import SERVICES

TITLE = "A backlog of 100,000 requests"
HOW = """\
All services run, and the simulator takes a second for each answer, so that the dispatcher gets
rid of about a hundred messages a second. 100,000 requests are put on `send-requests` at once. The
figure of each service is the most memory that was resident from then until the projector had
entered all of them and ten more seconds had passed; its raw limit is the same process just
started."""

REQUESTS = 100_000
SLOW_MS = 1_000
ENTERED_WITHIN = timedelta(seconds=90)
LOOK_EVERY = timedelta(seconds=1)
THEN = timedelta(seconds=10)


def run(arena: Arena) -> list[Measurement]:
    """Let the requests pile up and look at the services."""
    count = arena.scaled(REQUESTS)
    with arena.system(*SERVICES) as system:
        system.simulator.set_knobs({"net.slow_ms": [SLOW_MS, SLOW_MS]})
        meter = Meter(system)
        idle = meter.look()
        uvloop.run(_pile_up(arena, system, meter, count))
    return [
        Measurement(f"backlog_rss_{name}", meter.most_rss[name] / MB, "MB", idle[name] / MB)
        for name in SERVICES
    ]


async def _pile_up(arena: Arena, system: Pipeline, meter: Meter, count: int) -> None:
    looking = asyncio.create_task(meter.watch())
    try:
        async with bare_producer(system.bootstrap) as producer:
            await offer(producer, requests(count, "backlog"))
        await _until_entered(arena, system, count)
        arena.say("ten more seconds")
        await asyncio.sleep(THEN.total_seconds())
    finally:
        looking.cancel()


async def _until_entered(arena: Arena, system: Pipeline, count: int) -> None:
    engine = sa.create_engine(system.database_url, poolclass=sa.NullPool)
    deadline = time.monotonic() + ENTERED_WITHIN.total_seconds()
    while (entered := await asyncio.to_thread(_entered, engine)) < count:
        arena.say(f"{entered:,} of {count:,} requests entered")
        if time.monotonic() > deadline:
            raise BenchError(f"the projector entered {entered} of {count} requests in time")
        await asyncio.sleep(LOOK_EVERY.total_seconds())


def _entered(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        return connection.execute(sa.text("SELECT count(*) FROM messages")).scalar_one()
