"""How pushes reach the product: three tries, then gone (simulator-behaviour 4.3, WX 8)."""

from collections import deque
from functools import partial

from simulator.chance import Chance
from simulator.courier import SUCCESS, Courier
from simulator.ledger import Callback
from simulator.tencent.channel import Channel, Letter
from simulator.tencent.documents import Json
from simulator.tencent.forgeries import any_forged, forged
from simulator.workers import Workers
from simulator.world import World

_TIMEOUT_S = 5
_TRIES = 3
_AGAIN_AFTER_S = 1.0


class Pusher:
    """Bounded workers that push to one channel's callback."""

    def __init__(self, world: World, channel: Channel) -> None:
        self._world = world
        self._channel = channel
        self._courier = Courier(world, _TIMEOUT_S)
        self._queue: deque[Callback] = deque()
        self._workers = Workers(self._work, self._pump)
        self._waiting = 0
        self._count = 0

    @property
    def pending(self) -> int:
        """Pushes neither answered nor given up, tries to come included."""
        return len(self._queue) + len(self._workers) + self._waiting

    def start(self) -> None:
        """Open the client; needs the running loop."""
        self._courier.start()

    async def stop(self) -> None:
        """Drop what is queued, end the workers and close the client."""
        await self.clear()
        await self._courier.stop()

    async def clear(self) -> None:
        """Forget everything that was to be pushed."""
        self._queue.clear()
        self._waiting = 0
        await self._workers.cancel()

    def tell(self, name: str, message: Json) -> None:
        """Push a message or an event; the ledger keeps it under this name.

        Raises NotConfiguredError.
        """
        chance = self._chance()
        knobs = self._world.knobs.world
        draft = self._channel.draft(message, chance)
        if self._channel.url is None:
            self._world.ledger.tally.unsubscribed += 1
            return
        callback = self._noted(draft.letter(), (name,))
        if chance.happens("wx.cb_loss", knobs.wx_cb_loss):
            self._world.ledger.settle_callback(callback, "lost")
        else:
            self._send(callback)
        if chance.happens("wx.cb_bad_crypto", knobs.wx_cb_bad_crypto):
            self._send(self._noted(any_forged(draft, chance), (), "forged"))

    def tell_forged(self, kind: str, message: Json) -> int:
        """Push something hostile; return its number. Raises ValueError for an unknown kind."""
        letter = forged(kind, self._channel.draft(message, self._chance()))
        if self._channel.url is None:
            raise ValueError(f"{self._channel.provider} has no callback URL")
        callback = self._noted(letter, (), "forged")
        self._send(callback)
        return callback.number

    def send_again(self, callback: Callback) -> None:
        """Push the same bytes under the same signature once more."""
        self._send(callback)

    def release(self) -> None:
        """Begin what can begin now."""
        self._pump()

    async def until_quiet(self, within_s: float) -> bool:
        """Wait until nothing is queued or under way; false when that took too long."""
        return await self._workers.until(lambda: not self._queue, within_s)

    def _chance(self) -> Chance:
        self._count += 1
        moment = self._world.clock.now()
        return self._world.chance(self._channel.provider, f"push{self._count}at{moment}")

    def _noted(self, letter: Letter, names: tuple[str, ...], kind: str = "updates") -> Callback:
        callback = Callback(
            url=letter.address(self._channel.url or ""),
            body=letter.body,
            headers=letter.headers,
            message_ids=names,
            created_at=self._world.clock.now(),
            provider=self._channel.provider,
            kind=kind,
            state="forged" if kind == "forged" else "pending",
        )
        self._world.ledger.note_callback(callback)
        return callback

    def _send(self, callback: Callback) -> None:
        self._queue.append(callback)
        self._pump()

    def _pump(self) -> None:
        free = self._world.knobs.world.wx_cb_workers - len(self._workers)
        self._workers.start(min(len(self._queue), free))

    async def _work(self) -> None:
        while self._queue:
            await self._deliver(self._queue.popleft())

    async def _deliver(self, callback: Callback) -> None:
        knobs = self._world.knobs.world
        is_true = callback.kind != "forged"
        if is_true and self._channel.failures >= knobs.wx_drop_after:
            self._settle(callback, "lost")
            return
        status = await self._courier.deliver(callback)
        if not is_true:
            return
        if status == SUCCESS:
            self._channel.failures = 0
            self._settle(callback, "delivered")
            return
        is_tried_again = status == 0 or knobs.wx_retry_on == "any"
        if is_tried_again and len(callback.attempts) < _TRIES:
            self._waiting += 1
            due = self._world.clock.now() + _AGAIN_AFTER_S
            self._world.timers.at(due, partial(self._retry, callback))
            return
        self._channel.failures += 1
        self._settle(callback, "dropped")

    def _settle(self, callback: Callback, state: str) -> None:
        if callback.state != state:
            self._world.ledger.settle_callback(callback, state)

    def _retry(self, callback: Callback) -> None:
        self._waiting -= 1
        self._world.ledger.tally.retries += 1
        self._send(callback)
