"""One connected client: what it wants, and what it has still to be sent."""

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from typing import Final

from runtime.auth import Caller
from services.status_projector.live.cursors import Vector
from services.status_projector.live.events import Event, Frame, Key, Kind, Told

BACKLOG: Final = 1_000
"""Events kept for a client that is slow for a moment; beyond it the client is let go of, and comes
back with its cursor: a slow client never slows the others."""


class Ending(Enum):
    """Why we end a connection: the WebSocket's close code, and a word."""

    TOO_SLOW = (1013, "too_slow")
    SIGNED_OUT = (1008, "signed_out")
    GOING_AWAY = (1012, "going_away")

    @property
    def code(self) -> int:
        """As RFC 6455 and its registry have it."""
        return self.value[0]

    @property
    def reason(self) -> str:
        """As the event ``bye`` has it."""
        return self.value[1]


@dataclass(slots=True, eq=False)
class Client:
    """Made when somebody connects; the hub offers it frames, its connection takes them."""

    caller: Caller
    keys: set[Key]
    kinds: frozenset[Kind]
    resumes: str | None = None
    """The cursor it came with."""
    is_implicit: bool = False
    """Whether it hears of everything because it has named nothing yet."""
    ending: Ending | None = None
    cursor: str | None = None
    """Of the last frame that it took."""
    _beyond: Vector | None = None
    _frames: deque[Frame] = field(default_factory=deque[Frame])
    _most: int = BACKLOG
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def tenant_id(self) -> str | None:
        """Whose events alone it hears; None: everybody's."""
        return self.caller.tenant_id

    def may_hear(self, event: Event) -> bool:
        """Return whether it asked for such events and is allowed them."""
        return event.kind in self.kinds and event.needs in self.caller.permissions

    def known_as(self, caller: Caller) -> None:
        """Take note of what its caller may do from now on."""
        self.caller = caller

    def is_new(self, told: Told) -> bool:
        """Return whether its cursor was not yet past the event."""
        return self._beyond is None or told.offset >= self._beyond[told.place]

    def begin(self, frames: Iterable[Frame], beyond: Vector | None) -> None:
        """Put these frames first, however many; ``beyond``: what the client had before us."""
        self._frames = deque(frames)
        self._most = len(self._frames) + BACKLOG
        self._beyond = beyond
        self._wake.set()

    def offer(self, frame: Frame) -> bool:
        """Return whether there was room for the frame."""
        if len(self._frames) >= self._most:
            return False
        self._frames.append(frame)
        self._wake.set()
        return True

    def end(self, ending: Ending) -> None:
        """Let it go: when it has read what it has, or at once if it is too slow for that."""
        if ending is not Ending.GOING_AWAY:
            self._frames.clear()
        self.ending = self.ending or ending
        self._wake.set()

    async def take(self, *, within: timedelta) -> Frame | None:
        """Return the next frame; None when there was none in time, or none will come any more."""
        if not self._frames and self.ending is None:
            self._wake.clear()
            try:
                async with asyncio.timeout(within.total_seconds()):
                    await self._wake.wait()
            except TimeoutError:
                return None
        if not self._frames:
            return None
        frame = self._frames.popleft()
        self.cursor = frame.cursor or self.cursor
        return frame
