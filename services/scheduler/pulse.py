"""One look, five times a second, at what waits for all works: else each would look for itself.

At rest these looks are most of what a scheduler costs the processor, its own and the database's.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from runtime.clock import Clock
from runtime.postgres import in_thread
from services.scheduler.store import waiting
from services.scheduler.store.waiting import Waiting
from services.scheduler.timed.works import Time

EVERY: Final = timedelta(milliseconds=200)


class Pulse:
    """Wakes whoever has something to do."""

    def __init__(self, engine: sa.Engine, clock: Clock, time: Time) -> None:
        """``clock`` is that of timed sends, ``time`` that of tasks."""
        self._engine = engine
        self._clock = clock
        self._time = time
        self._wakes: defaultdict[Waiting, list[Callable[[], None]]] = defaultdict(list)

    async def run(self) -> None:
        """Look until cancelled. Raises `DatabaseAway`."""
        while True:
            for one in await in_thread(self._engine, self._look):
                for wake in self._wakes[one]:
                    wake()
            await asyncio.sleep(EVERY.total_seconds())

    def wakes(self, what: Waiting, wake: Callable[[], None]) -> None:
        """From now on, call this when there is such a thing."""
        self._wakes[what].append(wake)

    async def each(self, what: Waiting, tick: Callable[[], Awaitable[bool]]) -> None:
        """Call ``tick`` whenever there is such a thing, until it finds no more (False)."""
        with self._listening(what) as woken:
            while True:
                await woken.wait()
                woken.clear()
                while await tick():
                    pass

    @contextmanager
    def _listening(self, what: Waiting) -> Generator[asyncio.Event]:
        woken = asyncio.Event()
        self._wakes[what].append(woken.set)
        try:
            yield woken
        finally:
            self._wakes[what].remove(woken.set)

    def _look(self, connection: sa.Connection) -> set[Waiting]:
        return waiting.look(connection, sends_now=self._clock(), now=self._time(connection))
