"""How long a change takes to those who listen, and what that costs the projector."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack

import uvloop

from bench.arena import Arena
from bench.bare_processes import bare_live
from bench.costs import MB
from bench.listeners import Crowd, Heard
from bench.measurement import BenchError, Measurement, percentile
from deploy.processes import Process

TITLE = "Live push"
HOW = """\
2,000 WebSocket clients, each of another conversation, and 4 that hear of everything are connected
to one projector; 500 changes a second are published for 20 s, so 2,500 are delivered. A delivery's
time counts from before the change is handed to the broker until the client, all of them in one
process, has it. The raw limit is a bare fan-out in a process like it, on the same server: it sends
each record, as it is, to the sockets that a dictionary names, and keeps neither cursors nor queues.
Processor time is that of the process that pushes; memory is its resident memory at the end. Then
the changes go on for 30 s, and after 5 s the projector is ended (SIGTERM) and started again; and
once more, ended with kill -9. Each client comes back at once, or within a second where nobody
answers, with the cursor of what it heard last. `live_missed_` counts what a client never heard,
`live_repeated_` what it heard again; `live_back_` lasts from the signal until all are greeted
again, `live_silence_` is the longest time in which nobody heard anything."""

CLIENTS = 2_000
DASHBOARDS = 4
PER_SECOND = 500
SECONDS = 20.0
RESTART_SECONDS = 30.0
RESTART_AFTER = 5.0
PATH = "/api/v1/im/ws"


def run(arena: Arena) -> list[Measurement]:
    """Have the same crowd listen to both."""
    with ExitStack() as opened:
        system = opened.enter_context(arena.system("status_projector"))
        bare, bare_url = opened.enter_context(bare_live(arena))
        ours = system.process("status_projector")
        url = system.urls["status_projector"] + PATH
        raw, raw_cpu = _heard(arena, bare, bare_url, {}, "bare")
        heard, cpu = _heard(arena, ours, url, system.headers, "ours")
        return [
            _milliseconds("live_p50", 0.5, heard, raw),
            _milliseconds("live_p99", 0.99, heard, raw),
            Measurement("live_cpu_per_delivery", cpu, "ms", raw_cpu),
            Measurement("live_missed", heard.missed, "deliveries", raw.missed),
            Measurement("live_rss", ours.rss_bytes() / MB, "MB", bare.rss_bytes() / MB),
            *_through_restarts(arena, ours, url, system.headers),
        ]


def _heard(
    arena: Arena, process: Process, url: str, headers: Mapping[str, str], name: str
) -> tuple[Heard, float]:
    """Return what the crowd heard, and the milliseconds of processor time a delivery."""
    arena.say(f"{name}: {arena.scaled(CLIENTS):,} clients")

    async def listen() -> tuple[Heard, float]:
        crowd = Crowd(each=arena.scaled(CLIENTS), dashboards=DASHBOARDS, run=name)
        async with crowd.listening(url, headers):
            before = process.cpu_seconds()
            heard = await crowd.timed(
                arena.bootstrap, per_second=PER_SECOND, seconds=SECONDS / (4 if arena.quick else 1)
            )
            return heard, process.cpu_seconds() - before

    heard, spent = uvloop.run(listen())
    if not heard.took:
        raise BenchError(f"{name}: nobody heard anything")
    return heard, spent * 1_000 / len(heard.took)


def _through_restarts(
    arena: Arena, process: Process, url: str, headers: Mapping[str, str]
) -> list[Measurement]:
    """Return what a crowd misses, and for how long, while the process is another one."""
    arena.say(f"restarts: {arena.scaled(CLIENTS):,} clients")

    async def listen() -> list[Measurement]:
        crowd = Crowd(each=arena.scaled(CLIENTS), dashboards=DASHBOARDS, run="restarts")
        async with crowd.listening(url, headers):
            return [
                *await _through(arena, crowd, "restart", process, process.terminate),
                *await _through(arena, crowd, "kill", process, process.kill),
            ]

    return uvloop.run(listen())


async def _through(
    arena: Arena, crowd: Crowd, name: str, process: Process, end: Callable[[], int]
) -> list[Measurement]:
    seconds = RESTART_SECONDS / (2 if arena.quick else 1)
    publishing = asyncio.create_task(
        crowd.timed(arena.bootstrap, per_second=PER_SECOND, seconds=seconds)
    )
    await asyncio.sleep(RESTART_AFTER)
    began = time.perf_counter()
    await asyncio.to_thread(end)
    await asyncio.to_thread(process.start)
    try:
        back = await crowd.back(since=began)
    except TimeoutError as error:
        raise BenchError(f"{name}: somebody did not come back") from error
    heard = await publishing
    return [
        Measurement(f"live_missed_through_{name}", heard.missed, "deliveries"),
        Measurement(f"live_repeated_through_{name}", heard.repeated, "deliveries"),
        Measurement(f"live_back_after_{name}", back, "s"),
        Measurement(f"live_silence_of_{name}", heard.silence, "s"),
    ]


def _milliseconds(name: str, share: float, heard: Heard, raw: Heard) -> Measurement:
    def at(took: Sequence[float]) -> float:
        return percentile(took, share) * 1_000

    return Measurement(name, at(heard.took), "ms", at(raw.took))
