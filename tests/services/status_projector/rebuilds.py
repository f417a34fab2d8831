"""Rebuilds for tests, and the messages that go on meanwhile."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import sqlalchemy as sa
from aiokafka import AIOKafkaConsumer

from services.status_projector.rebuild import Rebuild, Result
from services.status_projector.store.rebuilding.models import Line
from tests.eventually import eventually
from tests.sealed import VAULT
from tests.services.status_projector.facts import EVERY_TOPIC, ZONE, Life
from tests.services.status_projector.projectors import SOON, Writer, whole
from tests.topic_keys import TOPIC_KEYS

PASSER_BY = "+16505559999"


async def rebuilt(url: str, bootstrap: str, *, mends: bool) -> Result:
    """Run a rebuild."""
    run = Rebuild(url, bootstrap, VAULT, TOPIC_KEYS, ZONE)
    return await run.run(lambda _done, _of: None, mends=mends)


def differing(result: Result) -> list[Line]:
    """Return the read models of which something differs."""
    return [line for line in result.lines if line.wrong or line.unknown]


def line_of(result: Result, name: str) -> Line:
    """Return what was found of a read model."""
    return next(line for line in result.lines if line.name == name)


def execute(engine: sa.Engine, statement: str, **values: Any) -> list[Any]:  # noqa: ANN401 - any
    """Execute a statement; return the rows of a query."""
    with engine.begin() as connection:
        result = connection.execute(sa.text(statement), values)
        return [tuple(row) for row in result] if result.returns_rows else []


@asynccontextmanager
async def passers_by(engine: sa.Engine, writer: Writer, bootstrap: str) -> AsyncGenerator[None]:
    """Let messages keep coming; at the end all of them are applied."""

    async def go_on() -> None:
        while True:
            life = Life()
            await writer.write([life.request(recipient=PASSER_BY), *whole(life)[1:]])

    going = asyncio.create_task(go_on())
    try:
        yield
    finally:
        going.cancel()
        await asyncio.wait([going])
    await caught_up(engine, bootstrap)


async def caught_up(engine: sa.Engine, bootstrap: str) -> None:
    """Wait until everything that is on the topics is applied."""
    consumer = AIOKafkaConsumer(*EVERY_TOPIC, bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        ends = await consumer.end_offsets(consumer.assignment())
    finally:
        await consumer.stop()
    wanted = {(place.topic, place.partition): end for place, end in ends.items() if end}
    await eventually(lambda: wanted.items() <= applied(engine).items(), within=SOON)


def applied(engine: sa.Engine) -> dict[tuple[str, int], int]:
    """Return how far the live tables are."""
    rows = execute(engine, "SELECT topic, partition, next_offset FROM applied_offsets")
    return {(topic, partition): offset for topic, partition, offset in rows}
