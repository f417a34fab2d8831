"""How quickly the API of timed push tasks answers where there are a million of them."""

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final

import uvloop

from bench.arena import Arena
from bench.asking import WARM_UP, Call, ask_at, ask_each, download
from bench.bare_processes import bare_queries
from bench.bare_queries import SELECT
from bench.measurement import BenchError, Measurement, percentile
from bench.task_rows import (
    CREATORS,
    GROUPS,
    RECIPIENTS,
    SPAN,
    TENANTS,
    drafts,
    fill,
    id_of,
)
from deploy.pipeline import Pipeline
from runtime.auth import Caller, Permission, issue
from runtime.clock import now
from runtime.postgres import connect

TITLE = "Timed push tasks"
HOW = """\
The table is filled by SQL with 1,000,000 tasks of two years and 20 tenants. Each kind of list is
asked for over HTTP 200 times, one question after the other, by who sees all tenants and by one
tenant (`tenant_`), with other filters, orders and pages each time. The file is that of a group with
every tenth task, in all four orders. Then 200 things are asked a second for 20 seconds, after two
to warm up: two of five for one task, two of five for lists by the usual filters, half of them by a
tenant; one of ten enters a task and one of ten edits one; an answer's time counts from when it was
to be asked for. The raw limit is `SELECT 1` through the same pool in a bare FastAPI process, in the
same way."""

TASKS: Final = 1_000_000
ASKED: Final = 200
PER_SECOND: Final = 200
SECONDS: Final = 20
TENANT: Final = "tenant-3"

_PATH: Final = "/api/tasks"
_SUFFIXES: Final = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
_SORTS: Final = ("time", "status", "priority", "createdAt")
_STATES: Final = ("draft", "scheduled", "completed", "failed", "paused", "running")


def run(arena: Arena) -> list[Measurement]:
    """Fill, ask one by one, write a file, ask at a pace."""
    tasks = arena.scaled(TASKS)
    engine = connect(arena.ground.database_url, pool=1)
    arena.say(f"filling {tasks:,} tasks")
    fill(engine, tasks=tasks)
    editable = drafts(engine, limit=PER_SECOND * (WARM_UP + SECONDS))
    engine.dispose()
    with arena.system("scheduler") as system, bare_queries(arena) as (_, raw):
        bare = raw.rstrip("/")
        return [
            *_lists(arena, system, bare),
            *_files(arena, system),
            *_at_pace(arena, system, bare, _mixed(system, tasks, editable)),
        ]


def _lists(arena: Arena, system: Pipeline, bare: str) -> list[Measurement]:
    url, asked = system.urls["scheduler"], arena.scaled(ASKED)
    raw = uvloop.run(ask_each([bare + SELECT] * asked, {}))
    found: list[Measurement] = []
    for prefix, headers in (("tasks", system.headers), ("tenant_tasks", _headers(system, TENANT))):
        for name, questions in lists(random.Random(1)).items():  # noqa: S311 - repeatable
            arena.say(f"asking: {prefix} {name}")
            urls = [url + question for question in islice(questions, asked)]
            uvloop.run(ask_each(urls[:5], headers))
            took = uvloop.run(ask_each(urls, headers))
            found += _milliseconds(f"{prefix}_{name}", took, raw)
    return found


def _files(arena: Arena, system: Pipeline) -> list[Measurement]:
    lines = seconds = 0.0
    for sort in _SORTS:
        arena.say(f"a file of a group, by {sort}")
        url = f"{system.urls['scheduler']}{_PATH}/export?groupId=g-all&sort={sort}"
        read, took = uvloop.run(download(url, system.headers))
        lines, seconds = lines + read, seconds + took
    if lines < arena.scaled(TASKS) // 20:
        raise BenchError(f"{lines:,} lines were exported")
    return [Measurement("tasks_export_rows_per_s", lines / seconds, "rows/s")]


def _at_pace(
    arena: Arena, system: Pipeline, bare: str, mixed: Iterator[tuple[str, Call]]
) -> list[Measurement]:
    count = PER_SECOND * (WARM_UP + arena.scaled(SECONDS))
    calls = [call for _, call in islice(mixed, count)]
    arena.say(f"asking: {PER_SECOND} a second")
    raw = uvloop.run(ask_at([bare + SELECT] * count, {}, PER_SECOND))
    took = uvloop.run(ask_at(calls, system.headers, PER_SECOND))
    return _milliseconds(f"tasks_at_{PER_SECOND}_per_s", took, raw)


def _mixed(
    system: Pipeline, tasks: int, editable: Sequence[tuple[str, str]]
) -> Iterator[tuple[str, Call]]:
    """Yield what people ask of a service that is used: its kind, and the call."""
    chance, url = random.Random(2), system.urls["scheduler"]  # noqa: S311 - repeatable
    usual = lists(chance)
    kinds = ("newest", "by_status", "by_time", "by_id")
    own = _headers(system, TENANT)
    to_edit = iter(editable)
    while True:
        kind = chance.choice(("one",) * 4 + ("list",) * 4 + ("new", "edit"))
        whose = chance.choice((system.headers, own))
        match kind:
            case "one":
                path = f"{_PATH}/{id_of(chance.randint(1, tasks))}"
                yield kind, Call(url=url + path, headers=system.headers)
            case "list":
                path = next(usual[chance.choice(kinds)])
                yield kind, Call(url=url + path, headers=whose)
            case "new":
                yield kind, Call(url=url + _PATH, method="POST", headers=whose, body=_new(chance))
            case _:
                task_id, tenant = next(to_edit)
                body = {"name": "Edited", "priority": chance.choice(("high", "low"))}
                headers = _headers(system, tenant)
                yield (
                    kind,
                    Call(url=f"{url}{_PATH}/{task_id}", method="PUT", headers=headers, body=body),
                )


def _new(chance: random.Random) -> Mapping[str, Any]:
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=chance.randint(1, 300))
    return {
        "name": "Monday",
        "schedule": {"type": "once", "time": at.isoformat()},
        "content": {"text": "The course begins at six."},
        "groups": [f"g-{chance.randrange(GROUPS)}" for _ in range(3)],
        "previewRecipients": [f"person-{chance.randrange(RECIPIENTS)}"],
    }


def _headers(system: Pipeline, tenant: str) -> Mapping[str, str]:
    caller = Caller("bench", tenant, frozenset(Permission))
    token = issue(caller, until=now() + timedelta(days=1), key=system.secrets.auth_key)
    return {"Authorization": f"Bearer {token}"}


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
                status=chance.choice(_STATES),
                sort=chance.choice(_SORTS),
                order=chance.choice(("asc", "desc")),
                page=chance.choice((1, 1, 1, 2, 5, 100)),
                limit=chance.choice((20, 20, 50, 100)),
            )

    ordered = "sort={sort}&order={order}"
    return {
        "newest": whichever(f"{ordered}&limit=20"),
        "sorted": whichever(f"{ordered}&limit={{limit}}&page={{page}}"),
        "by_status": whichever(f"status={{status}}&{ordered}"),
        "by_time": whichever(
            f"startTime={{since}}&endTime={{until}}&{ordered}",
            f"startTime={{since}}&{ordered}",
            f"endTime={{since}}&{ordered}",
            f"endTime={{since}}&status={{status}}&{ordered}",
        ),
        "by_id": whichever(
            f"groupId=g-{{group}}&{ordered}",
            f"groupId=g-all&{ordered}",
            f"creatorId={{creator}}&{ordered}",
            f"recipientId=person-{{recipient}}&{ordered}",
            "creatorId={creator}&groupId=g-{group}",
            "groupId=g-all&status=failed",
            "groupId=nobody",
        ),
        "by_two": whichever(
            f"groupId=g-all&status={{status}}&{ordered}",
            f"groupId=g-all&endTime={{since}}&{ordered}",
            f"creatorId={{creator}}&status={{status}}&{ordered}",
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
