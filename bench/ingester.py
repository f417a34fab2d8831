"""What a callback costs in the ingester on top of checking its signature and keeping its bytes."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle, islice

import uvloop

from bench.arena import Arena
from bench.bare_ingester import RECORDS
from bench.bare_processes import bare_ingester
from bench.callbacks import Post, post_all, post_at, posts
from bench.costs import MB
from bench.measurement import BenchError, Measurement, Pair, Reading, in_turns, percentile
from deploy.processes import Process
from deploy.wiring import CALLBACK

TITLE = "The ingester"
HOW = """\
Signed callbacks, made beforehand, are posted over 32 connections to the ingester: 4,000 with one
status each, then 400 with 100 statuses each. The raw limit is a bare ASGI application on the same
server, in a process like it, that checks the signature and produces a record for each status to
the same topic: one of 10,000 that the ingester's own code made beforehand, so with key, headers
and value as long as the ingester's; it reads nothing but how many there must be. The processor time
is the ingester's own. Medians of three. Then callbacks with one status come at an even pace, for
some seconds each: at half the rate just measured, and at 1,200 a second (Meta wants a median of
250 ms and less than 1 % above 1 s); an answer's time counts from when its callback was due. At last
it takes 500,000 callbacks as quickly as it can: memory is the most that was resident at ten looks
on the way, its raw limit the memory after the first 5,000."""

SINGLE_POSTS = 4_000
FULL_POSTS = 400
STATUSES = 100
PACED_FOR = 8.0
META_PER_SECOND = 1_200
META_LIMIT = 1.0
ENDURES = 500_000
ENDURES_WITHIN = timedelta(minutes=15)
"""Some three on two cores; without a bound, an ingester that crawls would be measured for ever."""
LOOKS = 10
WARM_POSTS = 5_000


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two that are compared."""

    name: str
    process: Process
    url: str

    def measured(self, count: int, statuses: int, turn: int) -> Reading:
        """Post as quickly as it answers; count statuses."""
        prepared = posts(count, statuses, f"{self.name}-{turn}")
        before = self.process.cpu_seconds()
        seconds = uvloop.run(post_all(self.url, prepared))
        return Reading(count * statuses, seconds, self.process.cpu_seconds() - before)

    def paced(self, per_second: float, seconds: float) -> list[float]:
        """Post at that pace; return the answers' seconds."""
        count = int(per_second * seconds)
        return uvloop.run(post_at(self.url, posts(count, 1, f"{self.name}-paced"), per_second))


def run(arena: Arena) -> list[Measurement]:
    """Post the same callbacks to both."""
    with ExitStack() as opened:
        system = opened.enter_context(arena.system("ingest_webhook"))
        process, url = opened.enter_context(bare_ingester(arena))
        bare = Side("bare", process, url.rstrip("/") + RECORDS)
        ours = Side(
            "ours",
            system.process("ingest_webhook"),
            system.urls["ingest_webhook"] + CALLBACK,
        )
        single = _pair(arena, ours, bare, SINGLE_POSTS, 1)
        full = _pair(arena, ours, bare, FULL_POSTS, STATUSES)
        posts_per_s = single.rate("ingester_posts_per_s", "posts/s")
        return [
            posts_per_s,
            single.cpu("ingester_cpu_per_post"),
            full.rate("ingester_statuses_per_s", "statuses/s"),
            full.cpu("ingester_cpu_per_status"),
            *_paced(arena, ours, bare, posts_per_s.value / 2, "ingester_at_half_load"),
            *_paced(arena, ours, bare, META_PER_SECOND, f"ingester_at_{META_PER_SECOND}_per_s"),
            *_memory(arena, ours),
        ]


def _pair(arena: Arena, ours: Side, bare: Side, count: int, statuses: int) -> Pair:
    return in_turns(
        arena.repeats,
        ours=lambda turn: ours.measured(arena.scaled(count), statuses, turn),
        bare=lambda turn: bare.measured(arena.scaled(count), statuses, turn),
    )


def _paced(
    arena: Arena, ours: Side, bare: Side, per_second: float, name: str
) -> Sequence[Measurement]:
    seconds = PACED_FOR / 4 if arena.quick else PACED_FOR
    raw, took = bare.paced(per_second, seconds), ours.paced(per_second, seconds)

    def milliseconds(share: float, suffix: str) -> Measurement:
        value, limit = percentile(took, share) * 1_000, percentile(raw, share) * 1_000
        return Measurement(f"{name}_{suffix}", value, "ms", limit)

    late = 100 * sum(each > META_LIMIT for each in took) / len(took)
    return (
        milliseconds(0.5, "p50"),
        milliseconds(0.99, "p99"),
        Measurement(f"{name}_above_1_s", late, "%"),
    )


def _memory(arena: Arena, ours: Side) -> Sequence[Measurement]:
    prepared = posts(arena.scaled(WARM_POSTS), 1, "memory")
    uvloop.run(post_all(ours.url, prepared))
    before, endured = ours.process.rss_bytes(), arena.scaled(ENDURES)
    seen: list[int] = []
    for look in range(LOOKS):
        arena.say(f"memory over {endured:,} callbacks: {look} of {LOOKS} parts")
        _endure(ours, prepared, endured // LOOKS)
        seen.append(ours.process.rss_bytes())
    return (
        Measurement("ingester_rss", max(seen) / MB, "MB", before / MB),
        Measurement("ingester_rss_callbacks", endured, "callbacks"),
    )


def _endure(ours: Side, prepared: Sequence[Post], count: int) -> None:
    # The same ones over and over: to the ingester a repetition is a callback like any other.
    again = islice(cycle(prepared), count)
    within = ENDURES_WITHIN / LOOKS
    try:
        uvloop.run(post_all(ours.url, again, within=within))
    except TimeoutError as error:
        raise BenchError(f"the ingester took no {count:,} callbacks within {within}") from error
