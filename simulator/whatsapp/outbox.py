"""How callbacks get to the product: batched, in parallel, again until 200 (section 3)."""

import asyncio
from collections import deque
from functools import partial
from math import ceil

from simulator.courier import SUCCESS, Courier
from simulator.ledger import Callback
from simulator.whatsapp.composer import Composer
from simulator.whatsapp.retry_plans import PLANS, next_wait
from simulator.whatsapp.updates import Update
from simulator.workers import Workers
from simulator.world import World

_TIMEOUT_S = 10


class Outbox:
    """Bounded workers with keep-alive; they start when there is work and end with it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._composer = Composer(world)
        self._updates: deque[Update] = deque()
        self._callbacks: deque[Callback] = deque()
        self._workers = Workers(self._work, self._pump)
        self._waiting_retries = 0
        self._hold_until = 0.0
        self._linger: asyncio.TimerHandle | None = None
        self._courier = Courier(world, _TIMEOUT_S)

    @property
    def pending(self) -> int:
        """Updates and callbacks not yet answered 200, retries to come included."""
        return (
            len(self._updates) + len(self._callbacks) + len(self._workers) + self._waiting_retries
        )

    def start(self) -> None:
        """Open the client; needs the running loop."""
        self._courier.start()

    async def stop(self) -> None:
        """Drop what is queued, end the workers and close the client."""
        await self.clear()
        await self._courier.stop()

    async def clear(self) -> None:
        """Forget everything that was to be told."""
        self._updates.clear()
        self._callbacks.clear()
        self._waiting_retries = 0
        self._hold_until = 0.0
        await self._workers.cancel()

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
        return await self._workers.until(
            lambda: not self._updates and not self._callbacks, within_s
        )

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
        self._workers.start(min(wanted, free))

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
        status = await self._courier.deliver(callback)
        if callback.kind == "forged":
            return
        if status == SUCCESS:
            self._world.ledger.settle_callback(callback, "delivered")
        elif callback.state == "pending":
            self._retry_or_drop(callback)

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
