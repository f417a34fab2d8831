"""Keeps a service's background work running: started together, restarted, stopped together.

Whatever a service depends on may go away and come back; no process has to be restarted for that
(peers, row 28).
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from runtime.errors import Fenced, TryAgainLater

log = logging.getLogger(__name__)

Work = Callable[[], Awaitable[None]]
"""Runs until cancelled. What it raises ends this run and begins the next."""

FIRST_PAUSE = timedelta(milliseconds=200)
LONGEST_PAUSE = timedelta(seconds=5)
INSIST_PAUSE = timedelta(milliseconds=250)


@asynccontextmanager
async def running(**works: Work) -> AsyncGenerator[None]:
    """Run each named work until the block ends, then stop them, the last named first.

    Each is cancelled and its clean-up awaited before the one named before it is touched: name
    what others hand their work to before them.
    """
    tasks = [asyncio.create_task(_for_ever(name, work), name=name) for name, work in works.items()]
    try:
        yield
    finally:
        for task in reversed(tasks):
            task.cancel()
            await asyncio.wait([task])


async def every(interval: timedelta, tick: Callable[[], Awaitable[bool]]) -> None:
    """Call ``tick`` for ever; pause for ``interval`` only when it found nothing to do (False)."""
    while True:
        if not await tick():
            await asyncio.sleep(interval.total_seconds())


async def insist(event: str, act: Callable[[], Awaitable[None]]) -> None:
    """Do it until it succeeds, however long what it needs is away; each refusal is logged.

    For what must not be let go of once it is in hand.
    """
    while True:
        try:
            await act()
        except TryAgainLater as error:
            log.warning(event, extra={"why": f"{type(error).__name__}: {error}"})
            await asyncio.sleep(INSIST_PAUSE.total_seconds())
        else:
            return


async def _for_ever(name: str, work: Work) -> None:
    pause = FIRST_PAUSE
    while True:
        began = asyncio.get_running_loop().time()
        try:
            await work()
        except (TryAgainLater, Fenced) as error:
            reason = f"{type(error).__name__}: {error}"
            log.warning("work.interrupted", extra={"work": name, "reason": reason})
        except asyncio.CancelledError:
            # A library's, of a task of its own that it cancelled and awaited, is not ours to obey.
            if _is_cancelled():
                raise
            log.warning("work.interrupted", extra={"work": name, "reason": "CancelledError"})
        except Exception:
            log.exception("work.failed", extra={"work": name})
        lasted = asyncio.get_running_loop().time() - began
        pause = (
            FIRST_PAUSE if lasted > LONGEST_PAUSE.total_seconds() else min(pause * 2, LONGEST_PAUSE)
        )
        await asyncio.sleep(pause.total_seconds())


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0
