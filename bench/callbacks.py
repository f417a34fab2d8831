"""Signed callbacks for the benchmarks, and how they are posted: at once, or at a pace."""

import asyncio
import json
import time
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

import aiohttp

from bench.arena import APP_SECRET, SENDERS
from bench.measurement import BenchError
from providers.whatsapp.signature import sign

CONNECTIONS = 32
WITHIN = timedelta(seconds=60)

Post = tuple[bytes, str]
"""Body and signature."""


def posts(count: int, statuses: int, run: str) -> list[Post]:
    """Return that many callbacks with so many statuses each."""
    bodies = [body_of([f"{run}-{post}-{n}" for n in range(statuses)]) for post in range(count)]
    return [(body, sign(body, APP_SECRET.encode())) for body in bodies]


def body_of(names: Iterable[str]) -> bytes:
    """Return a Graph callback: the messages of these names were delivered."""
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550783881", "phone_number_id": SENDERS[0]},
        "statuses": [_status(name) for name in names],
    }
    changes = [{"field": "messages", "value": value}]
    entry = {"id": "102290129340398", "changes": changes}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()


async def post_all(url: str, waiting: Iterable[Post], within: timedelta = WITHIN) -> float:
    """Post everything, 32 at once; return the seconds it took."""
    left = iter(waiting)
    async with _session() as session:
        began = time.perf_counter()
        async with asyncio.timeout(within.total_seconds()), asyncio.TaskGroup() as tasks:
            for _ in range(CONNECTIONS):
                tasks.create_task(_post_each(session, url, left))
        return time.perf_counter() - began


async def post_at(url: str, waiting: Iterable[Post], per_second: float) -> list[float]:
    """Post at an even pace, whatever the answers take; return each answer's seconds.

    They count from the moment at which the post was due, so that a late sender hides nothing.
    """
    took: list[float] = []

    async def post_one(post: Post, due: float) -> None:
        await _post(session, url, post)
        took.append(time.perf_counter() - due)

    async with (
        _session() as session,
        asyncio.timeout(WITHIN.total_seconds()),
        asyncio.TaskGroup() as tasks,
    ):
        began = time.perf_counter()
        for number, post in enumerate(waiting):
            due = began + number / per_second
            if (pause := due - time.perf_counter()) > 0:
                await asyncio.sleep(pause)
            tasks.create_task(post_one(post, due))
    return took


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS))


async def _post_each(session: aiohttp.ClientSession, url: str, waiting: Iterator[Post]) -> None:
    for post in waiting:
        await _post(session, url, post)


async def _post(session: aiohttp.ClientSession, url: str, post: Post) -> None:
    body, signature = post
    headers = {"X-Hub-Signature-256": signature, "Content-Type": "application/json"}
    async with session.post(url, data=body, headers=headers) as answer:
        await answer.read()
        if not answer.ok:
            raise BenchError(f"a callback was answered with HTTP {answer.status}")


def _status(name: str) -> dict[str, Any]:
    return {
        "id": f"wamid.{name}",
        "status": "delivered",
        "timestamp": str(int(time.time())),
        "recipient_id": "16505550001",
        "biz_opaque_callback_data": f"bench-{name}",
        "pricing": {"billable": True, "pricing_model": "PMP", "category": "utility"},
    }
