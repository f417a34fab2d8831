"""R3: a database whose commits succeed, while the answer to some of them is lost.

A TCP proxy in front of PostgreSQL: it passes everything on, except that of every so many commits
it swallows the answer and breaks the connection. Whoever committed cannot know that it did.
"""

import asyncio
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from typing import Self

import sqlalchemy as sa

from deploy.pipeline import Ground
from deploy.stack.postgres import ROLE
from tests.chaos.arena import Arena, Trial
from tests.chaos.load import Feed, plan

COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"
"""The message by which libpq commits; it comes alone, since its answer is waited for."""
CHUNK = 64 * 1_024
EVERY = 20


class ForgetfulDatabase:
    """``async with ForgetfulDatabase(port) as proxy:`` listens on `proxy.port`."""

    def __init__(self, port: int) -> None:
        self._database_port = port
        self._server: asyncio.Server | None = None
        self._links: set[asyncio.Task[None]] = set()
        self._commits = 0
        self.port = 0
        self.is_forgetful = True
        self.lost = 0
        """Answers lost so far."""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for link in self._links:
            link.cancel()
        await asyncio.gather(*self._links, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("asyncio serves each connection in a task")
        self._links.add(task)
        try:
            behind = await asyncio.open_connection("127.0.0.1", self._database_port)
            await self._pass_on((reader, writer), behind)
        except (OSError, asyncio.CancelledError):
            # One side has gone, or all is over. Nobody awaits this task, and asyncio would log
            # its cancellation as an error.
            return
        finally:
            self._links.discard(task)
            writer.close()

    async def _pass_on(self, client: "_Side", database: "_Side") -> None:
        answers = asyncio.create_task(_copy(database[0], client[1]))
        try:
            while chunk := await client[0].read(CHUNK):
                if self._is_to_be_lost(chunk):
                    answers.cancel()
                    with suppress(asyncio.CancelledError):
                        await answers
                    await _put(database[1], chunk)
                    await database[0].read(CHUNK)  # it has committed
                    return
                await _put(database[1], chunk)
        finally:
            answers.cancel()
            await asyncio.gather(answers, return_exceptions=True)
            database[1].close()

    def _is_to_be_lost(self, chunk: bytes) -> bool:
        if not self.is_forgetful or chunk != COMMIT:
            return False
        self._commits += 1
        is_next = self._commits % EVERY == 0
        self.lost += is_next
        return is_next


_Side = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _copy(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await source.read(CHUNK):
            await _put(to, chunk)
        to.close()


async def _put(writer: asyncio.StreamWriter, chunk: bytes) -> None:
    writer.write(chunk)
    await writer.drain()


def lost_commits(count: int, *, over: timedelta) -> Trial:
    """R3: every so many commits of the services end without an answer while messages are fed."""
    proxies: list[ForgetfulDatabase] = []

    async def through(ground: Ground, opened: AsyncExitStack) -> dict[str, str]:
        server = ground.stack.postgres
        proxy = await opened.enter_async_context(ForgetfulDatabase(server.ports.postgres))
        proxies.append(proxy)
        url = sa.make_url(ground.database_url)
        url = sa.URL.create(
            url.drivername,
            username=ROLE,
            password=server.password,
            host="127.0.0.1",
            port=proxy.port,
            database=url.database,
        )
        return {"DATABASE_URL": url.render_as_string(hide_password=False)}

    async def act(arena: Arena, feed: Feed) -> None:
        await feed.reached(1)
        proxies[-1].is_forgetful = False
        arena.kills += proxies[-1].lost

    return Trial(
        fault=f"R3b database: 1 in {EVERY} commits unanswered",
        planned=plan(count),
        over=over,
        act=act,
        through=through,
    )
