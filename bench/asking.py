"""Asks over HTTP, one after the other or at a pace, and says how long each answer took."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import aiohttp

from bench.measurement import BenchError

CONNECTIONS = 32
WITHIN = timedelta(minutes=5)
WARM_UP = 2
"""Seconds: the first questions open the connections, theirs and the pool's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Something else than a plain GET."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Instead of everybody's."""
    body: Mapping[str, Any] | None = None


async def ask_each(urls: Iterable[str | Call], headers: Mapping[str, str]) -> list[float]:
    """Ask one after the other; return each answer's seconds."""
    took: list[float] = []
    async with _session(headers) as session, asyncio.timeout(WITHIN.total_seconds()):
        for url in urls:
            began = time.perf_counter()
            await _ask(session, url)
            took.append(time.perf_counter() - began)
    return took


async def ask_at(
    urls: Iterable[str | Call], headers: Mapping[str, str], per_second: int
) -> list[float]:
    """Ask at an even pace, whatever the answers take; return the seconds of all after `WARM_UP`.

    An answer's time counts from the moment at which it was to be asked for.
    """

    async def ask_one(url: str | Call, due: float) -> float:
        await _ask(session, url)
        return time.perf_counter() - due

    asked: list[asyncio.Task[float]] = []
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
            asked.append(tasks.create_task(ask_one(url, due)))
    return [each.result() for each in asked[WARM_UP * per_second :]]


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


async def _ask(session: aiohttp.ClientSession, asked: str | Call) -> None:
    call = Call(url=asked) if isinstance(asked, str) else asked
    async with session.request(
        call.method, call.url, headers=call.headers, json=call.body
    ) as answer:
        await answer.read()
        if not answer.ok:
            raise BenchError(f"a {call.method} was answered with HTTP {answer.status}")
