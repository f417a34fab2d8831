"""Tells people that what they wrote was read, where their channel can show it (WA 6).

That it was read stands in the conversation (`read_to`). Each mark is taken by one dispatcher and
told at most once: one that is lost is made good by the next, which speaks for all before it.
"""

import asyncio
import logging
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Final

import sqlalchemy as sa

from domain.identity import ProviderMessageId, SenderId
from providers.contract import Channel, Reader
from runtime.clock import Clock
from runtime.lifespan import Work, every
from runtime.postgres import in_thread
from services.dispatcher.metrics import READ_MARKS
from services.dispatcher.store import read_marks as store
from services.dispatcher.store.read_marks import Mark

log = logging.getLogger(__name__)

TICK: Final = timedelta(seconds=1)
FORGET_TICK: Final = timedelta(minutes=10)
AT_ONCE: Final = 8
"""Marks of one channel told at the same time, by one dispatcher: sends keep their connections."""
TOLD_WITHIN: Final = timedelta(minutes=15)
"""A mark that could not be told by then, its sender being halted or every dispatcher away, is not
told. All of them are looked through each second."""
KEPT: Final = timedelta(hours=1)
"""Longer than that, by more than clocks may differ."""


class ReadMarks:
    """Tells the channels that can show it, each its own marks."""

    def __init__(self, engine: sa.Engine, channels: Mapping[str, Channel], clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._readers = {n: one for n, one in channels.items() if isinstance(one, Reader)}

    def works(self) -> dict[str, Work]:
        """Return the telling as work of the service, a piece a channel: none waits for another."""
        return {
            **{
                f"read_marks_{name}": partial(every, TICK, partial(self.tell, name))
                for name in self._readers
            },
            "read_marks_forget": partial(every, FORGET_TICK, self.forget),
        }

    async def tell(self, name: str) -> bool:
        """Tell a channel what was read; say whether there may be more."""
        now = self._clock()
        since = now - TOLD_WITHIN
        marks = await in_thread(
            self._engine, lambda c: store.take(c, name, since=since, now=now, limit=AT_ONCE)
        )
        await asyncio.gather(*(self._tell(name, mark) for mark in marks if mark is not None))
        return len(marks) == AT_ONCE

    async def forget(self) -> bool:
        """Drop what is too old to be told again."""
        before = self._clock() - KEPT
        await in_thread(self._engine, lambda c: store.forget(c, before=before))
        return False

    async def _tell(self, name: str, mark: Mark) -> None:
        # Neither the message's id nor the provider's words: both may hold the person's number.
        try:
            failure = await self._readers[name].mark_read(
                SenderId(mark.sender_id), ProviderMessageId(mark.provider_message_id)
            )
        except Exception as error:  # noqa: BLE001 - of a channel of somebody else's
            why = type(error).__name__
        else:
            why = None if failure is None else failure.provider_code or failure.code
        READ_MARKS.labels(name, "told" if why is None else "failed").inc()
        if why is not None:
            extra = {"sender": f"{name}:{mark.sender_id}", "why": str(why)}
            log.warning("read_mark.failed", extra=extra)
