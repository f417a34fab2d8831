"""Asks over HTTP, one after the other or at a pace, and says how long each answer took."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from datetime import timedelta

import aiohttp

from bench.measurement import BenchError

CONNECTIONS = 32
WITHIN = timedelta(minutes=5)


async def ask_each(urls: Iterable[str], headers: Mapping[str, str]) -> list[float]:
    """Ask one after the other; return each answer's seconds."""
    took: list[float] = []
    async with _session(headers) as session, asyncio.timeout(WITHIN.total_seconds()):
        for url in urls:
            began = time.perf_counter()
            await _ask(session, url)
            took.append(time.perf_counter() - began)
    return took


async def ask_at(urls: Iterable[str], headers: Mapping[str, str], per_second: float) -> list[float]:
    """Ask at an even pace, whatever the answers take.

    An answer's time counts from the moment at which it was to be asked for.
    """
    took: list[float] = []

    async def ask_one(url: str, due: float) -> None:
        await _ask(session, url)
        took.append(time.perf_counter() - due)

    async with (
        _session(headers) as session,
        asyncio.timeout(WITHIN.total_seconds()),
        asyncio.TaskGroup() as tasks,
    ):
        began = time.perf_counter()
        for number, url in enumerate(urls):
            due = began + number / per_second
            if (pause := due - time.perf_counter()) > 0:
                await asyncio.sleep(pause)
            tasks.create_task(ask_one(url, due))
    return took


async def download(url: str, headers: Mapping[str, str]) -> tuple[int, float]:
    """Read a file to its end; return its lines and the seconds."""
    lines, began = 0, time.perf_counter()
    async with _session(headers) as session, session.get(url) as answer:
        if not answer.ok:
            raise BenchError(f"a file was answered with HTTP {answer.status}")
        async for piece in answer.content.iter_any():
            lines += piece.count(b"\n")
    return lines, time.perf_counter() - began


def _session(headers: Mapping[str, str]) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    return aiohttp.ClientSession(connector=connector, headers=headers)


async def _ask(session: aiohttp.ClientSession, url: str) -> None:
    async with session.get(url) as answer:
        await answer.read()
        if not answer.ok:
            raise BenchError(f"a query was answered with HTTP {answer.status}")
