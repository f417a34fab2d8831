"""How quickly the API of timed push tasks answers where there are a million of them."""

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final

import uvloop

from bench.arena import Arena
from bench.asking import ask_at, ask_each
from bench.bare_processes import bare_queries
from bench.bare_queries import SELECT
from bench.measurement import Measurement, percentile
from bench.task_rows import CREATORS, GROUPS, RECIPIENTS, SPAN, TENANTS, fill
from deploy.pipeline import Pipeline
from runtime.postgres import connect

TITLE = "Timed push tasks"
HOW = """\
The table is filled by SQL with 1,000,000 tasks of two years and 20 tenants. Each kind of list is
asked for over HTTP 200 times, one question after the other, with other filters, orders and pages
each time. Then lists are asked for 200 times a second for 10 seconds; an answer's time counts from
when it was to be asked for. The raw limit is `SELECT 1` through the same pool in a bare FastAPI
process, in the same way."""

TASKS: Final = 1_000_000
ASKED: Final = 200
PER_SECOND: Final = 200
SECONDS: Final = 10

_PATH: Final = "/api/tasks"
_SUFFIXES: Final = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))


def run(arena: Arena) -> list[Measurement]:
    """Fill, ask one by one, ask at a pace."""
    tasks = arena.scaled(TASKS)
    engine = connect(arena.ground.database_url, pool=1)
    arena.say(f"filling {tasks:,} tasks")
    fill(engine, tasks=tasks)
    engine.dispose()
    with arena.system("scheduler") as system, bare_queries(arena) as (_, raw):
        bare = raw.rstrip("/")
        return [*_lists(arena, system, bare), *_at_pace(arena, system, bare)]


def _lists(arena: Arena, system: Pipeline, bare: str) -> list[Measurement]:
    url, asked = system.urls["scheduler"], arena.scaled(ASKED)
    raw = uvloop.run(ask_each([bare + SELECT] * asked, {}))
    found: list[Measurement] = []
    for name, questions in lists(random.Random(1)).items():  # noqa: S311 - repeatable
        arena.say(f"asking: {name}")
        urls = [url + question for question in islice(questions, asked)]
        uvloop.run(ask_each(urls[:5], system.headers))
        took = uvloop.run(ask_each(urls, system.headers))
        found += _milliseconds(f"tasks_{name}", took, raw)
    return found


def _at_pace(arena: Arena, system: Pipeline, bare: str) -> list[Measurement]:
    count = PER_SECOND * (SECONDS if not arena.quick else 2)
    chance = random.Random(2)  # noqa: S311 - repeatable
    newest = lists(chance)["newest"]
    urls = [system.urls["scheduler"] + question for question in islice(newest, count)]
    arena.say(f"asking: {PER_SECOND} a second")
    raw = uvloop.run(ask_at([bare + SELECT] * count, {}, PER_SECOND))
    took = uvloop.run(ask_at(urls, system.headers, PER_SECOND))
    return _milliseconds(f"tasks_at_{PER_SECOND}_per_s", took, raw)


def lists(chance: random.Random) -> Mapping[str, Iterator[str]]:
    """Return endless questions of each kind."""

    def whichever(*templates: str) -> Iterator[str]:
        while True:
            since = datetime.now(UTC) + SPAN * (chance.random() - 0.5)
            yield f"{_PATH}?" + chance.choice(templates).format(
                creator=chance.randrange(CREATORS),
                group=chance.randrange(GROUPS),
                recipient=chance.randrange(RECIPIENTS),
                tenant=chance.randrange(TENANTS),
                since=since.strftime("%Y-%m-%dT%H:%M:%SZ"),
                until=(since + timedelta(days=7)).strftime("%Y-%m-%dT%H:%M:%SZ"),
                sort=chance.choice(("time", "status", "priority", "createdAt")),
                order=chance.choice(("asc", "desc")),
                page=chance.choice((1, 1, 1, 2, 5, 100)),
                limit=chance.choice((20, 20, 50, 100)),
            )

    return {
        "newest": whichever("sort={sort}&order={order}&limit=20"),
        "sorted": whichever("sort={sort}&order={order}&limit={limit}&page={page}"),
        "by_status": whichever(
            *(
                f"status={status}&sort={{sort}}&order={{order}}"
                for status in ("draft", "scheduled", "completed", "failed", "paused", "running")
            )
        ),
        "by_time": whichever(
            "startTime={since}&endTime={until}&sort={sort}&order={order}",
            "startTime={since}&sort={sort}&order={order}",
            "endTime={since}&status=completed&sort=time&order={order}",
        ),
        "by_id": whichever(
            "groupId=g-{group}&sort={sort}&order={order}",
            "groupId=g-all&sort={sort}&order={order}",
            "creatorId={creator}&sort={sort}&order={order}",
            "recipientId=person-{recipient}&sort={sort}&order={order}",
            "creatorId={creator}&groupId=g-{group}",
            "groupId=g-all&status=failed",
            "groupId=nobody",
        ),
    }


def _milliseconds(name: str, took: Sequence[float], raw: Sequence[float]) -> list[Measurement]:
    return [
        Measurement(
            f"{name}_{suffix}",
            percentile(took, share) * 1_000,
            "ms",
            percentile(raw, share) * 1_000,
        )
        for suffix, share in _SUFFIXES
    ]
