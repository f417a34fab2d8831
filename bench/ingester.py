"""What a callback costs in the ingester on top of checking its signature and keeping its bytes."""

import asyncio
import json
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import aiohttp
import uvloop

from bench.arena import APP_SECRET, SENDERS, Arena
from bench.bare_processes import bare_ingester
from bench.measurement import BenchError, Measurement, Pair, Reading, in_turns
from deploy.processes import Process
from deploy.wiring import CALLBACK
from providers.whatsapp.signature import sign

TITLE = "The ingester"
HOW = """\
Signed callbacks, made beforehand, are posted over 32 connections to the ingester: 4,000 with one
status each, then 400 with 100 statuses each. The raw limit is a bare ASGI application on the same
server, in a process like it, that checks the signature and produces the body to the same topic as
one record, unread. The processor time is the ingester's own. Medians of three."""

SINGLE_POSTS = 4_000
FULL_POSTS = 400
STATUSES = 100
CONNECTIONS = 32
WITHIN = timedelta(seconds=60)

Post = tuple[bytes, str]
"""Body and signature."""


def run(arena: Arena) -> list[Measurement]:
    """Post the same callbacks to both."""
    with (
        arena.system("ingest_webhook") as system,
        bare_ingester(arena) as (bare, bare_url),
    ):
        process, url = system.process("ingest_webhook"), system.urls["ingest_webhook"] + CALLBACK

        def pair(posts: int, statuses: int) -> Pair:
            return in_turns(
                arena.repeats,
                ours=lambda n: _measured(process, url, _posts(posts, statuses, f"ours-{n}")),
                bare=lambda n: _measured(bare, bare_url, _posts(posts, statuses, f"bare-{n}")),
            )

        single = pair(arena.scaled(SINGLE_POSTS), 1)
        full = pair(arena.scaled(FULL_POSTS), STATUSES)
    return [
        single.rate("ingester_posts_per_s", "posts/s"),
        single.cpu("ingester_cpu_per_post"),
        full.rate("ingester_posts_of_100_per_s", "posts/s"),
        full.cpu("ingester_cpu_per_post_of_100"),
    ]


def _measured(process: Process, url: str, posts: list[Post]) -> Reading:
    before = process.cpu_seconds()
    seconds = uvloop.run(_post_all(url, posts))
    return Reading(len(posts), seconds, process.cpu_seconds() - before)


async def _post_all(url: str, posts: list[Post]) -> float:
    waiting = iter(posts)
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector) as session:
        began = time.perf_counter()
        async with asyncio.timeout(WITHIN.total_seconds()), asyncio.TaskGroup() as tasks:
            for _ in range(CONNECTIONS):
                tasks.create_task(_post_each(session, url, waiting))
        return time.perf_counter() - began


async def _post_each(session: aiohttp.ClientSession, url: str, waiting: Iterator[Post]) -> None:
    for body, signature in waiting:
        headers = {"X-Hub-Signature-256": signature, "Content-Type": "application/json"}
        async with session.post(url, data=body, headers=headers) as answer:
            await answer.read()
            if not answer.ok:
                raise BenchError(f"a callback was answered with HTTP {answer.status}")


def _posts(count: int, statuses: int, run: str) -> list[Post]:
    bodies = [_callback([f"{run}-{post}-{n}" for n in range(statuses)]) for post in range(count)]
    return [(body, sign(body, APP_SECRET.encode())) for body in bodies]


def _callback(names: list[str]) -> bytes:
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550783881", "phone_number_id": SENDERS[0]},
        "statuses": [_status(name) for name in names],
    }
    changes = [{"field": "messages", "value": value}]
    entry = {"id": "102290129340398", "changes": changes}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()


def _status(name: str) -> dict[str, Any]:
    return {
        "id": f"wamid.{name}",
        "status": "delivered",
        "timestamp": str(int(time.time())),
        "recipient_id": "16505550001",
        "biz_opaque_callback_data": f"bench-{name}",
        "pricing": {"billable": True, "pricing_model": "PMP", "category": "utility"},
    }
