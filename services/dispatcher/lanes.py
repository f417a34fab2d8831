"""Makes the calls: one lane a sending account, a bounded number of calls in each.

A message is claimed only when its lane has a free place, so a crash leaves in doubt at most what
was being called. Urgent messages go before whatever is queued, and some places are theirs alone.
What a lane cannot hold is put down in the ledger, so that no other account waits behind it.
"""

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from runtime.errors import TryAgainLater
from services.dispatcher.work import Asked, Claimed

log = logging.getLogger(__name__)

Claim = Callable[[Sequence[Asked]], Awaitable[Sequence[Claimed]]]
"""Returns those that may be called; deals with the others itself."""
Call = Callable[[Claimed], Coroutine[None, None, None]]
PutDown = Callable[[Sequence[Asked]], Awaitable[None]]
"""Enters them in the ledger as waiting, and finishes their records."""

PAUSE: Final = timedelta(milliseconds=250)
DRAIN_WITHIN: Final = timedelta(seconds=30)
"""Calls in progress get this long to end when the process stops: a cancelled call is in doubt."""
BATCH: Final = 500
"""Claimed or put down in one transaction."""
_RESERVED: Final = 8
"""One place of so many is for urgent messages alone (IM-13)."""
_FULL: Final = 0.75
"""Beyond this part of what the process may hold, the longest lane is put down."""


@dataclass(frozen=True, slots=True)
class Places:
    """The free places in the lanes, as they were a moment ago; any thread may look."""

    width: int
    busy: Mapping[str, int]
    held: frozenset[str]

    def free(self, sender: str) -> int:
        """Return how many calls of this sender may begin."""
        return 0 if sender in self.held else max(0, self.width - self.busy.get(sender, 0))


class _Lane:
    """What waits for one sending account, the urgent first."""

    def __init__(self) -> None:
        self.urgent: deque[Asked] = deque()
        self.others: deque[Asked] = deque()
        self.busy = 0
        self.is_behind = False
        """Whether earlier messages of the account wait in the ledger: these follow them there."""

    def __len__(self) -> int:
        return len(self.urgent) + len(self.others)

    def put(self, one: Asked) -> None:
        (self.urgent if one.is_urgent else self.others).append(one)

    def put_back(self, one: Asked) -> None:
        (self.urgent if one.is_urgent else self.others).appendleft(one)

    def take(self, room: int, room_of_others: int) -> list[Asked]:
        urgent = [self.urgent.popleft() for _ in range(min(room, len(self.urgent)))]
        left = min(room_of_others, room - len(urgent), len(self.others))
        return urgent + [self.others.popleft() for _ in range(left)]

    def drop(self, unwanted: Callable[[Asked], bool]) -> list[Asked]:
        dropped = [one for one in (*self.urgent, *self.others) if unwanted(one)]
        self.urgent = deque(one for one in self.urgent if not unwanted(one))
        self.others = deque(one for one in self.others if not unwanted(one))
        return dropped


class Lanes:
    """Runs claimed messages side by side, a bounded number for each sender."""

    def __init__(
        self,
        claim: Claim,
        call: Call,
        put_down: PutDown,
        *,
        calls_per_sender: int,
        longest: int,
        most: int,
    ) -> None:
        self._claim = claim
        self._call = call
        self._put_down = put_down
        self._width = calls_per_sender
        self._longest = longest
        self._most = most
        self._lanes: defaultdict[str, _Lane] = defaultdict(_Lane)
        self._calls: set[asyncio.Task[None]] = set()
        # Until when (loop time) each held sender's lane stands still.
        self._held: dict[str, float] = {}
        self._changed = asyncio.Event()

    @property
    def calling(self) -> int:
        """How many calls are in progress."""
        return len(self._calls)

    @property
    def queued(self) -> int:
        """How many requests wait in the lanes."""
        return sum(len(lane) for lane in self._lanes.values())

    def queues(self) -> dict[str, int]:
        """Return how many requests wait in each sender's lane."""
        return {sender: len(lane) for sender, lane in self._lanes.items()}

    def places(self) -> Places:
        """Return where due messages may be claimed now, beside the stream's."""
        busy = {sender: lane.busy for sender, lane in self._lanes.items()}
        return Places(self._width, busy, frozenset(self.held()))

    def hold(self, sender: str, time: timedelta) -> None:
        """Begin no call of this sender's for a while: it has no room."""
        loop = asyncio.get_running_loop()
        until = loop.time() + time.total_seconds()
        if until > self._held.get(sender, 0.0):
            self._held[sender] = until
            loop.call_at(until, self._changed.set)

    def held(self) -> dict[str, float]:
        """Return the senders whose lanes stand still now."""
        now = asyncio.get_running_loop().time()
        self._held = {sender: until for sender, until in self._held.items() if until > now}
        return self._held

    def behind(self, looked_at: Collection[str], behind: frozenset[str]) -> None:
        """Say which of these senders have earlier messages waiting in the ledger.

        What comes for them is put down there as well.
        """
        for sender in looked_at:
            if sender in behind or sender in self._lanes:
                self._lanes[sender].is_behind = sender in behind
        self._changed.set()

    def put(self, asked: Sequence[Asked]) -> None:
        """Queue requests; bounded by what the stream hands out."""
        for one in asked:
            self._lanes[one.sender].put(one)
        self._changed.set()

    def put_back(self, asked: Sequence[Asked]) -> None:
        """Queue requests again that were taken and not claimed."""
        for one in reversed(asked):
            self._lanes[one.sender].put_back(one)

    def drop(self, unwanted: Callable[[Asked], bool]) -> list[Asked]:
        """Forget queued requests that are unwanted and return them; none was claimed."""
        return [one for lane in self._lanes.values() for one in lane.drop(unwanted)]

    def start(self, work: Claimed) -> None:
        """Begin the call of a claimed message."""
        lane = self._lanes[work.sender]
        lane.busy += 1
        task = asyncio.create_task(self._call(work))
        self._calls.add(task)
        task.add_done_callback(lambda ended: self._ended(ended, lane))

    async def run(self) -> None:
        """Claim and call until cancelled; then let the calls in progress end."""
        try:
            while True:
                self._changed.clear()
                if surplus := self._surplus():
                    await self._or_later(surplus, self._put_down(surplus))
                elif ready := self._take():
                    await self._or_later(ready, self._begin(ready))
                else:
                    await self._changed.wait()
        finally:
            if self._calls:
                await asyncio.wait(self._calls, timeout=DRAIN_WITHIN.total_seconds())
            for task in self._calls:
                task.cancel()

    async def _or_later(self, taken: Sequence[Asked], act: Awaitable[None]) -> None:
        try:
            await act
        except TryAgainLater as error:
            # Without a claim no call: they wait in their lanes until the ledger is back.
            log.warning("claims.waiting", extra={"why": f"{type(error).__name__}: {error}"})
            self.put_back(taken)
            await asyncio.sleep(PAUSE.total_seconds())

    async def _begin(self, ready: list[Asked]) -> None:
        for work in await self._claim(ready):
            self.start(work)

    def _surplus(self) -> list[Asked]:
        """Return what is to be put down: of a lane that is behind, too long, or fills us up."""
        if not self._lanes:
            return []
        behind = next((lane for lane in self._lanes.values() if lane.is_behind and lane), None)
        longest = max(self._lanes.values(), key=len)
        is_too_long = len(longest) > self._longest or self.queued > self._most * _FULL
        surplus = behind or (longest if is_too_long else None)
        # In the lane's order: what is entered earlier goes earlier.
        return surplus.take(BATCH, BATCH) if surplus else []

    def _take(self) -> list[Asked]:
        ready: list[Asked] = []
        held = self.held()
        for sender, lane in self._lanes.items():
            if len(lane) and sender not in held:
                room = self._width - lane.busy
                ready += lane.take(max(room, 0), max(room - self._width // _RESERVED, 0))
        return ready

    def _ended(self, task: asyncio.Task[None], lane: _Lane) -> None:
        self._calls.discard(task)
        lane.busy -= 1
        self._changed.set()
        if not task.cancelled() and task.exception() is not None:
            # The claim stands and ends in doubt: whether the provider was called is not known.
            log.error("call.failed", exc_info=task.exception())
