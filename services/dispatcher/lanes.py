"""Makes the calls: one lane a sending account, a bounded number of calls in each.

A message is claimed only when its lane has a free place, so a crash leaves in doubt at most what
was being called. Urgent messages go before whatever is queued, and some places are theirs alone;
those of low priority let the medium ones pass, but for one in eight.
A lane that fills us up and is slow is put down in the ledger, so that no other account waits behind
it.
"""

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from domain.tempo import Tempo
from runtime.errors import Fenced, SendtrailError, TryAgainLater
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
CLAIMS_AT_ONCE: Final = 2
"""While the database works on one, the next is prepared."""
LEAST: Final = 8
"""Of one sender that may be claimed together, however little room it had."""
BATCH: Final = 500
"""Claimed or put down in one transaction."""
_RESERVED: Final = 8
"""One place of so many is for urgent messages alone (IM-13)."""
_LOWS_TURN: Final = 8
"""One in so many of a lane's others is of low priority, where such wait behind medium ones."""
_FULL: Final = 0.4
"""Beyond this part of what the process may hold, a long lane must be a quick one. Less than half: a
stream that was full goes on when half of it is finished, which slow lanes would put off."""
SLOW: Final = timedelta(seconds=5)
"""A lane that takes longer to be through is put down; others may be waiting behind it in Kafka."""
LOOK_EVERY: Final = timedelta(seconds=1)


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
    """What waits for one sending account: the urgent first, the low behind the medium (IM-13)."""

    def __init__(self) -> None:
        self._queues: dict[str, deque[Asked]] = {"high": deque(), "medium": deque(), "low": deque()}
        self._waiting = 0
        """In all queues: it is asked for more often than it changes."""
        self.turns = 0
        """How many that are not urgent were taken."""
        self.busy = 0
        """Calls in progress, and places kept for what is being claimed."""
        self.cap = LEAST
        """How many may be claimed together; grows while there is room for all of them."""
        self.tempo = Tempo(since=asyncio.get_running_loop().time())
        self.is_behind = False
        """Whether earlier messages of the account wait in the ledger: these follow them there."""

    def __len__(self) -> int:
        return self._waiting

    def put(self, one: Asked) -> None:
        if not self._waiting:
            # How much it did while nothing waited says how much came, not how quick it is.
            self.tempo = Tempo(since=asyncio.get_running_loop().time())
        self._queues[one.request.priority].append(one)
        self._waiting += 1

    def put_back(self, one: Asked) -> None:
        self._queues[one.request.priority].appendleft(one)
        self._waiting += 1

    def take(self, room: int, room_of_others: int) -> list[Asked]:
        high = self._queues["high"]
        others = self._waiting - len(high)
        urgent = [high.popleft() for _ in range(min(room, len(high)))]
        left = min(room_of_others, room - len(urgent), others)
        taken = urgent + [self._take_other() for _ in range(left)]
        self._waiting -= len(taken)
        return taken

    def _take_other(self) -> Asked:
        medium, low = self._queues["medium"], self._queues["low"]
        self.turns += 1
        # Their records stay unfinished while they wait here: they must not do so for ever.
        is_lows_turn = self.turns % _LOWS_TURN == 0
        return (low if low and (is_lows_turn or not medium) else medium).popleft()

    def drop(self, unwanted: Callable[[Asked], bool]) -> list[Asked]:
        dropped: list[Asked] = []
        for name, queue in self._queues.items():
            self._queues[name] = deque(one for one in queue if not unwanted(one))
            dropped += (one for one in queue if unwanted(one))
        self._waiting -= len(dropped)
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
        most: int,
    ) -> None:
        self._claim = claim
        self._call = call
        self._put_down = put_down
        self._width = calls_per_sender
        self._most = most
        self._lanes: defaultdict[str, _Lane] = defaultdict(_Lane)
        self._claims: set[asyncio.Task[None]] = set()
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
        return sum(map(len, self._lanes.values()))

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

    def first_release(self) -> timedelta:
        """Return how long the first of the held lanes still stands; for ever, if none does."""
        now = asyncio.get_running_loop().time()
        left = min(self.held().values(), default=None)
        return timedelta.max if left is None else timedelta(seconds=left - now)

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

    def learn_room(self, claimed: Mapping[str, int], full: Collection[str]) -> None:
        """Note how many of each sender's could be claimed together, and who had no room for more.

        What is taken and has no room goes back: looked at for nothing.
        """
        for sender in {*claimed, *full}:
            lane, count = self._lanes[sender], claimed.get(sender, 0)
            lane.cap = max(2 * count, LEAST) if sender in full else min(2 * lane.cap, self._width)

    def drop(self, unwanted: Callable[[Asked], bool]) -> list[Asked]:
        """Forget queued requests that are unwanted and return them; none was claimed."""
        return [one for lane in self._lanes.values() for one in lane.drop(unwanted)]

    def start(self, work: Claimed) -> None:
        """Begin the call of a claimed message."""
        self._lanes[work.sender].busy += 1
        self._call_in_its_place(work)

    async def run(self) -> None:
        """Claim and call until cancelled; then let the calls in progress end."""
        try:
            while True:
                self._changed.clear()
                if surplus := self._surplus():
                    await self._put_surplus_down(surplus)
                elif len(self._claims) < CLAIMS_AT_ONCE and (ready := self._take()):
                    claim = asyncio.create_task(self._begin(ready))
                    self._claims.add(claim)
                    claim.add_done_callback(self._claimed)
                else:
                    await self._change()
        finally:
            await self._drain()

    async def _change(self) -> None:
        # Lanes in which nothing happens are looked at as well: they may be the slow ones.
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_EVERY.total_seconds()):
                await self._changed.wait()

    async def _drain(self) -> None:
        # What is being claimed is called first: an uncalled claim would end in doubt.
        within = DRAIN_WITHIN.total_seconds()
        if self._claims:
            await asyncio.wait(self._claims, timeout=within)
        if self._calls:
            await asyncio.wait(self._calls, timeout=within)
        for task in (*self._claims, *self._calls):
            task.cancel()

    async def _put_surplus_down(self, surplus: list[Asked]) -> None:
        try:
            await self._put_down(surplus)
        except (TryAgainLater, Fenced) as error:
            await self._wait_for_the_ledger(surplus, error)

    async def _begin(self, ready: list[Asked]) -> None:
        """Claim what was taken; its places are kept until that is known."""
        try:
            claimed = await self._claim(ready)
        except (TryAgainLater, Fenced) as error:
            self._leave(ready)
            await self._wait_for_the_ledger(ready, error)
            return
        except Exception:
            log.exception("claim.failed", extra={"count": len(ready)})
            await self._begin_apart(ready)
            return
        except BaseException:
            self._leave(ready)
            raise
        ours = {work.request.message_id for work in claimed}
        self._leave([one for one in ready if one.message_id not in ours])
        for work in claimed:
            self._call_in_its_place(work)

    async def _begin_apart(self, ready: list[Asked]) -> None:
        """Claim each by itself: what breaks a claim holds up no neighbour, and is tried again."""
        if len(ready) > 1:
            for one in ready:
                await self._begin([one])
            return
        self._leave(ready)
        self.put_back(ready)
        await asyncio.sleep(PAUSE.total_seconds())

    async def _wait_for_the_ledger(self, taken: Sequence[Asked], error: SendtrailError) -> None:
        # Without a claim no call: they wait in their lanes until the ledger is back, or known to be
        # the live one's again (IM-57).
        log.warning("claims.waiting", extra={"why": f"{type(error).__name__}: {error}"})
        self.put_back(taken)
        await asyncio.sleep(PAUSE.total_seconds())

    def _leave(self, asked: Sequence[Asked]) -> None:
        for one in asked:
            self._lanes[one.sender].busy -= 1
        self._changed.set()

    def _call_in_its_place(self, work: Claimed) -> None:
        task = asyncio.create_task(self._call(work))
        self._calls.add(task)
        task.add_done_callback(lambda ended: self._ended(ended, self._lanes[work.sender]))

    def _claimed(self, task: asyncio.Task[None]) -> None:
        self._claims.discard(task)
        self._changed.set()
        if not task.cancelled() and task.exception() is not None:
            # What it had taken is not finished: its records come again after a restart.
            log.error("claim.failed", exc_info=task.exception())

    def _surplus(self) -> list[Asked]:
        """Return what is to be put down: of a lane that is behind, too long, or fills us up."""
        behind = next((lane for lane in self._lanes.values() if lane.is_behind and lane), None)
        surplus = behind or self._slowest()
        # In the lane's order: what is entered earlier goes earlier.
        return surplus.take(BATCH, BATCH) if surplus else []

    def _slowest(self) -> _Lane | None:
        """Return the lane that fills us up and will not be through soon, if there is one."""
        if self.queued <= self._most * _FULL:
            return None
        now = asyncio.get_running_loop().time()
        longest = max(self._lanes.values(), key=len)
        seconds = longest.tempo.seconds_for(len(longest), now)
        return longest if seconds is not None and seconds > SLOW.total_seconds() else None

    def _take(self) -> list[Asked]:
        ready: list[Asked] = []
        held = self.held()
        for sender, lane in self._lanes.items():
            if lane and sender not in held:
                free = max(self._width - lane.busy, 0)
                for_others = max(free - self._width // _RESERVED, 0)
                taken = lane.take(min(free, lane.cap), min(for_others, lane.cap))
                lane.busy += len(taken)
                ready += taken
        return ready

    def _ended(self, task: asyncio.Task[None], lane: _Lane) -> None:
        self._calls.discard(task)
        lane.busy -= 1
        lane.tempo.step()
        self._changed.set()
        if not task.cancelled() and task.exception() is not None:
            # The claim stands and ends in doubt: whether the provider was called is not known.
            log.error("call.failed", exc_info=task.exception())
