"""Tasks that start when there is work and end with it; their owner says how many there may be."""

import asyncio
from collections.abc import Callable, Coroutine


class Workers:
    """A bounded number of tasks that all do the same work until none is left."""

    def __init__(
        self, work: Callable[[], Coroutine[None, None, None]], pump: Callable[[], None]
    ) -> None:
        self._work = work
        self._pump = pump
        self._running: set[asyncio.Task[None]] = set()
        self._idle = asyncio.Event()

    def __len__(self) -> int:
        return len(self._running)

    def start(self, count: int) -> None:
        """Start so many more; none where the number is negative."""
        for _ in range(count):
            worker = asyncio.get_running_loop().create_task(self._work())
            self._running.add(worker)
            worker.add_done_callback(self._end)

    async def cancel(self) -> None:
        """End all of them."""
        for worker in self._running:
            worker.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def until(self, is_quiet: Callable[[], bool], within_s: float) -> bool:
        """Wait until none is at work and all is quiet; false when that took too long."""
        try:
            async with asyncio.timeout(within_s):
                while self._running or not is_quiet():
                    self._idle.clear()
                    self._pump()
                    await self._idle.wait()
        except TimeoutError:
            return False
        return True

    def _end(self, worker: asyncio.Task[None]) -> None:
        self._running.discard(worker)
        self._pump()  # what came while this one was ending, and all places seemed taken
        if not self._running:
            self._idle.set()
        if not worker.cancelled() and (error := worker.exception()) is not None:
            raise error  # reaches the loop's handler: a bug of ours, not of the product
