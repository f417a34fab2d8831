"""Lets what is asked for at the same moment be done together: one batch at a time.

While a batch is under way the next one collects, so a lone item never waits for company and a
crowd shares two commits and one publish. Who waited behind a batch that found something away is
told so at once: finding out takes a while, and nobody should wait for it twice.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Generic, TypeVar

from runtime.errors import TryAgainLater

I = TypeVar("I")  # noqa: E741 - Item
A = TypeVar("A")


class Gather(Generic[I, A]):
    """Collects items for ``handle``, which answers each of a batch with a result or an error."""

    def __init__(
        self,
        handle: Callable[[Sequence[I]], Awaitable[Sequence[A | Exception]]],
        *,
        most: int,
        queued: int,
    ) -> None:
        self._handle = handle
        self._most = most
        self._queue: asyncio.Queue[tuple[I, asyncio.Future[A]]] = asyncio.Queue(queued)

    async def ask(self, item: I, *, within: timedelta) -> A:
        """Return the item's result or raise its error; `TryAgainLater` when it takes too long.

        An item that is overdue before its batch began is not handled at all.
        """
        answer: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        try:
            self._queue.put_nowait((item, answer))
            async with asyncio.timeout(within.total_seconds()):
                return await answer
        except asyncio.QueueFull as error:
            raise TryAgainLater("too many at once") from error
        except TimeoutError as error:
            raise TryAgainLater("took too long") from error

    async def run(self) -> None:
        """Handle batches until cancelled."""
        while True:
            batch = await self._collect()
            if batch:
                await self._answer(batch)

    async def _collect(self) -> list[tuple[I, asyncio.Future[A]]]:
        batch = [await self._queue.get()]
        while len(batch) < self._most and not self._queue.empty():
            batch.append(self._queue.get_nowait())
        return [(item, answer) for item, answer in batch if not answer.done()]

    async def _answer(self, batch: Sequence[tuple[I, asyncio.Future[A]]]) -> None:
        results: Sequence[A | Exception] = [TryAgainLater("stopping") for _ in batch]
        try:
            results = await self._handle([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            results = [error] * len(batch)
        finally:
            for (_, answer), result in zip(batch, results, strict=True):
                _settle(answer, result)
            for away in [result for result in results if isinstance(result, TryAgainLater)][:1]:
                self._refuse_queued(away)

    def _refuse_queued(self, away: TryAgainLater) -> None:
        while not self._queue.empty():
            _, answer = self._queue.get_nowait()
            _settle(answer, away)


def _settle(answer: asyncio.Future[A], result: A | Exception) -> None:
    if answer.done():
        return
    if isinstance(result, Exception):
        answer.set_exception(result)
    else:
        answer.set_result(result)
