"""Claims files that are due and has a bounded number of them on their way."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import timedelta

from runtime.errors import TryAgainLater
from runtime.postgres import in_thread
from services.fetcher.handlers import Tools
from services.fetcher.store import files
from services.fetcher.store.files import Claim, Wanted

log = logging.getLogger(__name__)

Attempt = Callable[[Tools, Wanted], Coroutine[None, None, None]]

LOOK_EVERY = timedelta(milliseconds=250)
"""How late a file that waited may be begun."""
DRAIN_WITHIN = timedelta(seconds=5)
"""What is on its way when the process stops gets so long to arrive; the rest is put down."""
PUT_DOWN_WITHIN = timedelta(seconds=5)


class Workers:
    """Runs attempts side by side."""

    def __init__(self, tools: Tools, attempt: Attempt) -> None:
        self._tools = tools
        self._attempt = attempt
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._changed = asyncio.Event()

    @property
    def busy(self) -> int:
        """How many files are on their way."""
        return len(self._tasks)

    def wake(self) -> None:
        """Say that there may be something due."""
        self._changed.set()

    async def run(self) -> None:
        """Claim and fetch until cancelled; then let what is on its way arrive, or put it down."""
        try:
            while True:
                self._changed.clear()
                if not await self._begin():
                    with suppress(TimeoutError):
                        async with asyncio.timeout(LOOK_EVERY.total_seconds()):
                            await self._changed.wait()
        finally:
            await self._drain()

    async def renew(self) -> bool:
        """Keep the claims of what is on its way from running out."""
        if ids := list(self._tasks):
            claim = self._claim()
            await in_thread(self._tools.engine, lambda c: files.renew(c, ids, claim))
        return False

    async def _begin(self) -> bool:
        room = self._tools.settings.fetcher_at_once - self.busy
        if room <= 0:
            return False
        claim, channels = self._claim(), list(self._tools.sources)
        try:
            claimed = await in_thread(
                self._tools.engine,
                lambda c: files.claim_due(c, self._tools.vault, channels, claim, limit=room),
            )
        except TryAgainLater as error:
            log.warning("claims.waiting", extra={"why": f"{type(error).__name__}: {error}"})
            return False
        for wanted in claimed:
            task = asyncio.create_task(self._attempt(self._tools, wanted))
            self._tasks[wanted.id] = task
            task.add_done_callback(lambda ended, of=wanted.id: self._ended(ended, of))
        return bool(claimed)

    def _claim(self) -> Claim:
        settings, now = self._tools.settings, self._tools.clock()
        return Claim(settings.fetcher_owner, now + settings.fetcher_claim_lasts, now)

    def _ended(self, task: asyncio.Task[None], wanted_id: int) -> None:
        self._tasks.pop(wanted_id, None)
        self._changed.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            # Its claim runs out, and it is fetched again.
            log.error("attempt.failed", exc_info=error)

    async def _drain(self) -> None:
        for within in (DRAIN_WITHIN, PUT_DOWN_WITHIN):
            if self._tasks:
                await asyncio.wait(self._tasks.values(), timeout=within.total_seconds())
            for task in list(self._tasks.values()):
                task.cancel()
