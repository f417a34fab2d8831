"""How callbacks get to the product: batched, in parallel, again until 200 (section 3)."""

import asyncio
import time
from collections import deque
from functools import partial
from math import ceil

import aiohttp

from simulator.ledger import Attempt, Callback
from simulator.whatsapp.composer import Composer
from simulator.whatsapp.retry_plans import PLANS, next_wait
from simulator.whatsapp.signature import HEADER
from simulator.whatsapp.updates import Update
from simulator.world import World

_SUCCESS = 200  # 201 and 204 are failures too
_TIMEOUT = aiohttp.ClientTimeout(total=10)


class Outbox:
    """Bounded workers with keep-alive; they start when there is work and end with it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._composer = Composer(world)
        self._updates: deque[Update] = deque()
        self._callbacks: deque[Callback] = deque()
        self._workers: set[asyncio.Task[None]] = set()
        self._idle = asyncio.Event()
        self._waiting_retries = 0
        self._hold_until = 0.0
        self._linger: asyncio.TimerHandle | None = None
        self._session: aiohttp.ClientSession | None = None

    @property
    def pending(self) -> int:
        """Updates and callbacks not yet answered 200, retries to come included."""
        return (
            len(self._updates) + len(self._callbacks) + len(self._workers) + self._waiting_retries
        )

    def start(self) -> None:
        """Open the client; needs the running loop."""
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
        self._session = aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT)

    async def stop(self) -> None:
        """Drop what is queued, end the workers and close the client."""
        await self.clear()
        if self._session is not None:
            await self._session.close()

    async def clear(self) -> None:
        """Forget everything that was to be told."""
        self._updates.clear()
        self._callbacks.clear()
        self._waiting_retries = 0
        self._hold_until = 0.0
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)

    def tell(self, update: Update) -> None:
        """Queue an update; it goes out with others as the knobs for batches say."""
        burst_s = self._world.knobs.world.wa_webhook_burst
        now = self._world.clock.now()
        if burst_s > 0 and not self._updates and now >= self._hold_until:
            self._hold_until = now + burst_s
            self._world.timers.at(self._hold_until, self._pump)
        self._updates.append(update)
        self._pump_soon()

    async def tell_now(self, update: Update) -> None:
        """POST an update by itself and wait for the answer (knob `wa.early_webhook`)."""
        for callback in self._composer.compose([update]):
            await self._deliver(callback)

    def send_again(self, callback: Callback) -> None:
        """POST the same bytes with the same signature once more."""
        self._callbacks.append(callback)
        self._pump()

    def release(self) -> None:
        """End a burst's hold at once."""
        self._hold_until = 0.0
        self._pump()

    async def until_quiet(self, within_s: float) -> bool:
        """Wait until nothing is queued or under way; false when that took too long."""
        try:
            async with asyncio.timeout(within_s):
                while self._updates or self._callbacks or self._workers:
                    self._idle.clear()
                    self._pump()
                    await self._idle.wait()
        except TimeoutError:
            return False
        return True

    def _pump_soon(self) -> None:
        knobs = self._world.knobs.world
        if knobs.wa_batch_wait_ms <= 0 or len(self._updates) >= knobs.wa_batch_max:
            self._pump()
        elif self._linger is None:
            loop = asyncio.get_running_loop()
            self._linger = loop.call_later(knobs.wa_batch_wait_ms / 1000, self._pump)

    def _pump(self) -> None:
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None
        knobs = self._world.knobs.world
        batches = ceil(len(self._updates) / knobs.wa_batch_max) if self._may_tell() else 0
        wanted = len(self._callbacks) + batches
        free = knobs.wa_webhook_workers - len(self._workers)
        for _ in range(min(wanted, free)):
            worker = asyncio.get_running_loop().create_task(self._work())
            self._workers.add(worker)
            worker.add_done_callback(self._end)

    def _end(self, worker: asyncio.Task[None]) -> None:
        self._workers.discard(worker)
        if self._callbacks or self._updates:
            self._pump()  # came while this one was ending and all places seemed taken
        if not self._workers:
            self._idle.set()
        if not worker.cancelled() and (error := worker.exception()) is not None:
            raise error  # reaches the loop's handler: a bug of ours, not of the product

    def _may_tell(self) -> bool:
        return self._world.clock.now() >= self._hold_until

    async def _work(self) -> None:
        while True:
            if not self._callbacks and self._updates and self._may_tell():
                self._callbacks.extend(self._composer.compose(self._next_batch()))
            if not self._callbacks:
                return
            await self._deliver(self._callbacks.popleft())

    def _next_batch(self) -> list[Update]:
        size = min(len(self._updates), self._world.knobs.world.wa_batch_max)
        return [self._updates.popleft() for _ in range(size)]

    async def _deliver(self, callback: Callback) -> None:
        began = time.perf_counter()
        status = await self._post(callback)
        took_ms = (time.perf_counter() - began) * 1000
        ledger = self._world.ledger
        ledger.note_attempt(callback, Attempt(self._world.clock.now(), status, took_ms))
        if callback.kind == "forged":
            return
        if status == _SUCCESS:
            ledger.settle_callback(callback, "delivered")
        elif callback.state == "pending":
            self._retry_or_drop(callback)

    async def _post(self, callback: Callback) -> int:
        if self._session is None:
            raise RuntimeError("the outbox was not started")
        headers = {"Content-Type": "application/json", "User-Agent": "facebookexternalua"}
        if callback.signature is not None:
            headers[HEADER] = callback.signature
        try:
            async with self._session.post(
                callback.url, data=callback.body, headers=headers, allow_redirects=False
            ) as response:
                await response.read()
                return response.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            return 0

    def _retry_or_drop(self, callback: Callback) -> None:
        plan = PLANS[self._world.knobs.world.wa_retry_plan]
        now = self._world.clock.now()
        wait = next_wait(plan, len(callback.attempts), now - callback.created_at)
        if wait is None:
            self._world.ledger.settle_callback(callback, "dropped")
            return
        self._waiting_retries += 1
        self._world.timers.at(now + wait, partial(self._retry, callback))

    def _retry(self, callback: Callback) -> None:
        self._waiting_retries -= 1
        self._world.ledger.tally.retries += 1
        self.send_again(callback)
