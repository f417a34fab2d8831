"""Waits for a condition instead of sleeping: the only way our tests let time pass."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

T = TypeVar("T")

PAUSE = timedelta(milliseconds=50)
"""Between two looks; short beside anything waited for, long beside the look itself."""


def seconds(count: float) -> timedelta:
    """Return a duration, so that a test reads ``within=seconds(5)``."""
    return timedelta(seconds=count)


async def eventually(
    check: Callable[[], T] | Callable[[], Awaitable[T]], *, within: timedelta
) -> T:
    """Return the first truthy answer of ``check``, a function or a coroutine function.

    It may assert as well: it is asked again until its assertions hold; it then returns something
    truthy. At the deadline the last failed assertion, or the last answer, is the failure's message.
    """
    deadline = time.monotonic() + within.total_seconds()
    while True:
        try:
            answer = check()
            result: T = await answer if inspect.isawaitable(answer) else answer  # type: ignore[assignment]
            if result:
                return result
            why = f"the last answer was {result!r}"
        except AssertionError as error:
            why = f"the last look said: {error}"
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within.total_seconds():g} s; {why}")
        await asyncio.sleep(PAUSE.total_seconds())
