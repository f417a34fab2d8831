"""Watches `status-changes` as any consumer would, and says when which change became visible."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import msgspec
from aiokafka import AIOKafkaConsumer

from bench.measurement import BenchError
from bench.readers import reader
from schemas.topics.status_changes import STATUS_CHANGES

LOOK_EVERY = timedelta(milliseconds=50)
FINAL = ("read", "failed")


class Step(msgspec.Struct, rename="camel"):
    """As much of a change as is needed here: the watcher shares the machine with the watched."""

    message_id: str
    to_status: str


@dataclass(slots=True)
class Watcher:
    """What has been seen so far."""

    reached: Counter[str] = field(default_factory=Counter[str])
    """Changes by the status they lead to."""
    seen_at: dict[tuple[str, str], float] = field(default_factory=dict[tuple[str, str], float])
    """When a message's change to a status became visible: seconds since 1970."""

    @property
    def ended(self) -> int:
        """How many messages have reached their end."""
        return sum(self.reached[status] for status in FINAL)

    async def until_ended(self, count: int, within: timedelta) -> None:
        """Return when so many messages have ended. Raises `BenchError` when that takes too long."""
        try:
            async with asyncio.timeout(within.total_seconds()):
                while self.ended < count:  # noqa: ASYNC110 - the reader's loop has no event to give
                    await asyncio.sleep(LOOK_EVERY.total_seconds())
        except TimeoutError as error:
            seen = dict(self.reached)
            raise BenchError(f"{self.ended} of {count} messages ended in time: {seen}") from error
        if self.reached["failed"]:
            raise BenchError(f"{self.reached['failed']} messages failed, where all can be read")

    async def follow(self, consumer: AIOKafkaConsumer) -> None:
        """Read until cancelled."""
        decoder = msgspec.json.Decoder(Step)
        while True:
            polled = await consumer.getmany(timeout_ms=200)
            seen_at = time.time()
            for records in polled.values():
                for record in records:
                    step = decoder.decode(record.value or b"")
                    self.reached[step.to_status] += 1
                    self.seen_at[step.message_id, step.to_status] = seen_at


@asynccontextmanager
async def watching(bootstrap: str) -> AsyncGenerator[Watcher]:
    """Watch from now on."""
    watcher = Watcher()
    async with reader(bootstrap, STATUS_CHANGES.name) as consumer:
        following = asyncio.create_task(watcher.follow(consumer))
        try:
            yield watcher
        finally:
            following.cancel()
            await asyncio.wait([following])
