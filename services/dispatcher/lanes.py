"""Makes the calls: one lane a sending account, a bounded number of calls in each.

A message is claimed only when its lane has a free place, so a crash leaves in doubt at most what
was being called.
"""

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import timedelta

from runtime.errors import TryAgainLater
from services.dispatcher.work import Asked, Claimed

log = logging.getLogger(__name__)

Claim = Callable[[Sequence[Asked]], Awaitable[Sequence[Claimed]]]
"""Returns those that may be called; deals with the others itself."""
Call = Callable[[Claimed], Coroutine[None, None, None]]

PAUSE = timedelta(milliseconds=250)
DRAIN_WITHIN = timedelta(seconds=30)
"""Calls in progress get this long to end when the process stops: a cancelled call is in doubt."""


class Lanes:
    """Runs claimed messages side by side, a bounded number for each sender."""

    def __init__(self, claim: Claim, call: Call, *, calls_per_sender: int) -> None:
        self._claim = claim
        self._call = call
        self._width = calls_per_sender
        self._waiting: defaultdict[str, deque[Asked]] = defaultdict(deque)
        self._busy: defaultdict[str, int] = defaultdict(int)
        self._calls: set[asyncio.Task[None]] = set()
        # Until when (loop time) each held sender's lane stands still.
        self._held: dict[str, float] = {}
        self._changed = asyncio.Event()

    @property
    def calling(self) -> int:
        """How many calls are in progress."""
        return len(self._calls)

    def free(self) -> int:
        """Return how many due messages may be claimed beside the stream's now."""
        return max(0, self._width - len(self._calls))

    def hold(self, sender: str, time: timedelta) -> None:
        """Begin no call of this sender's for a while: it has no room."""
        loop = asyncio.get_running_loop()
        self._held[sender] = loop.time() + time.total_seconds()
        loop.call_at(self._held[sender], self._changed.set)

    def held(self) -> list[str]:
        """Return the senders whose lanes stand still now."""
        now = asyncio.get_running_loop().time()
        self._held = {sender: until for sender, until in self._held.items() if until > now}
        return list(self._held)

    def put(self, asked: Sequence[Asked]) -> None:
        """Queue requests; bounded by what the stream hands out."""
        for one in asked:
            self._waiting[one.request.sender_id].append(one)
        self._changed.set()

    def drop(self, unwanted: Callable[[Asked], bool]) -> list[Asked]:
        """Forget queued requests that are unwanted and return them; none was claimed."""
        dropped: list[Asked] = []
        for sender, queued in self._waiting.items():
            dropped += [one for one in queued if unwanted(one)]
            self._waiting[sender] = deque(one for one in queued if not unwanted(one))
        return dropped

    def start(self, work: Claimed) -> None:
        """Begin the call of a claimed message."""
        sender = work.request.sender_id
        self._busy[sender] += 1
        task = asyncio.create_task(self._call(work))
        self._calls.add(task)
        task.add_done_callback(lambda ended: self._ended(ended, sender))

    async def run(self) -> None:
        """Claim and call until cancelled; then let the calls in progress end."""
        try:
            while True:
                self._changed.clear()
                if ready := self._take():
                    await self._begin(ready)
                else:
                    await self._changed.wait()
        finally:
            if self._calls:
                await asyncio.wait(self._calls, timeout=DRAIN_WITHIN.total_seconds())
            for task in self._calls:
                task.cancel()

    async def _begin(self, ready: list[Asked]) -> None:
        try:
            claimed = await self._claim(ready)
        except TryAgainLater as error:
            # Without a claim no call: they wait in their lanes until the ledger is back.
            log.warning("claims.waiting", extra={"why": f"{type(error).__name__}: {error}"})
            self._put_back(ready)
            await asyncio.sleep(PAUSE.total_seconds())
            return
        for work in claimed:
            self.start(work)

    def _take(self) -> list[Asked]:
        ready: list[Asked] = []
        held = self.held()
        for sender, queued in self._waiting.items():
            if sender in held:
                continue
            for _ in range(min(len(queued), self._width - self._busy[sender])):
                ready.append(queued.popleft())  # noqa: PERF401 - the queue shrinks as we take
        return ready

    def _put_back(self, ready: list[Asked]) -> None:
        for one in reversed(ready):
            self._waiting[one.request.sender_id].appendleft(one)

    def _ended(self, task: asyncio.Task[None], sender: str) -> None:
        self._calls.discard(task)
        self._busy[sender] -= 1
        self._changed.set()
        if not task.cancelled() and task.exception() is not None:
            # The claim stands and ends in doubt: whether the provider was called is not known.
            log.error("call.failed", exc_info=task.exception())
