"""How quickly the query API answers where there are a million messages and ten thousand jobs."""

import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import uvloop

from bench.arena import Arena
from bench.asking import WARM_UP, ask_at, ask_each, download
from bench.bare_processes import bare_queries
from bench.bare_queries import ROUTE, SELECT
from bench.costs import MB
from bench.measurement import BenchError, Measurement, percentile
from bench.query_rows import PEOPLE, SENDERS, fill
from deploy.pipeline import Pipeline
from runtime.postgres import connect

TITLE = "Queries"
HOW = """\
The tables are filled by SQL with 1,000,000 messages of 28 days, 10,000 jobs and 50,000 people, each
message's content as long as a real one. Each kind of list and statistics is asked for over HTTP 200
times, one question after the other, with other filters each time: the newest page and pages behind
it, common filters and ones that find next to nothing. The raw limit is `SELECT 1` through the same
pool in a bare FastAPI process. Then the status of messages anywhere among the million is asked for
500 times a second for 20 seconds, after two to warm up; an answer's time counts from when it was to
be asked for, and the raw limit is the bare process at the same pace, once with `SELECT 1`, once
with a route that answers by itself. At last everything is exported as CSV: memory is the most that
was resident after it, its raw limit the memory before."""

MESSAGES = 1_000_000
JOBS = 10_000
ASKED = 200
PER_SECOND = 500
SECONDS = 20

Question = str


def run(arena: Arena) -> list[Measurement]:
    """Fill, ask, export."""
    messages = arena.scaled(MESSAGES)
    engine = connect(arena.ground.database_url, pool=1)
    arena.say(f"filling {messages:,} messages")
    fill(engine, messages=messages, jobs=arena.scaled(JOBS))
    engine.dispose()
    with arena.system("status_projector") as system, bare_queries(arena) as (_, raw):
        url, headers = system.urls["status_projector"], system.headers
        bare = raw.rstrip("/")
        found = _kinds(arena, url, bare, headers)
        found += _statuses(arena, url, bare, headers, messages)
        return [*found, *_exported(system, url, headers, messages)]


def _kinds(arena: Arena, url: str, bare: str, headers: Mapping[str, str]) -> list[Measurement]:
    asked = arena.scaled(ASKED)
    raw = uvloop.run(ask_each([bare + SELECT] * asked, {}))
    found: list[Measurement] = []
    for name, questions in _questions(random.Random(1)).items():  # noqa: S311 - repeatable
        arena.say(f"asking: {name}")
        urls = [url + question for question in islice(questions, asked)]
        uvloop.run(ask_each(urls[:5], headers))
        took = uvloop.run(ask_each(urls, headers))
        found += [
            _milliseconds(f"query_{name}_{suffix}", took, raw, share)
            for suffix, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
        ]
    return found


def _statuses(
    arena: Arena, url: str, bare: str, headers: Mapping[str, str], messages: int
) -> list[Measurement]:
    count = PER_SECOND * (WARM_UP + arena.scaled(SECONDS))
    chance = random.Random(2)  # noqa: S311 - repeatable
    urls = [
        f"{url}/api/v1/im/messages/msg_bench_{chance.randint(1, messages)}/status"
        for _ in range(count)
    ]
    arena.say("asking: status")
    select = uvloop.run(ask_at([bare + SELECT] * count, {}, PER_SECOND))
    route = uvloop.run(ask_at([bare + ROUTE] * count, {}, PER_SECOND))
    took = uvloop.run(ask_at(urls, headers, PER_SECOND))
    return [
        _milliseconds(f"status_at_{PER_SECOND}_per_s_{suffix}", took, select, share)
        for suffix, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
    ] + [_milliseconds("status_beside_a_bare_route_p99", took, route, 0.99)]


def _exported(
    system: Pipeline, url: str, headers: Mapping[str, str], messages: int
) -> list[Measurement]:
    process = system.process("status_projector")
    before = process.rss_bytes()
    lines, seconds = uvloop.run(download(f"{url}/api/v1/messages/export", headers))
    if lines < messages:
        raise BenchError(f"{lines:,} lines were exported of {messages:,} messages")
    return [
        Measurement("export_rows_per_s", messages / seconds, "rows/s"),
        Measurement("export_rss", process.rss_bytes() / MB, "MB", before / MB),
    ]


def _milliseconds(
    name: str, took: Sequence[float], raw: Sequence[float], share: float
) -> Measurement:
    limit = percentile(raw, share) * 1_000
    return Measurement(name, percentile(took, share) * 1_000, "ms", limit)


def _questions(chance: random.Random) -> dict[str, Iterator[Question]]:
    """Return endless questions of each kind."""
    search, im = "/api/v1/messages", "/api/v1/im"

    def whichever(*templates: str) -> Iterator[Question]:
        while True:
            yield chance.choice(templates).format(
                contact=chance.randrange(PEOPLE),
                order=chance.randrange(60_000) // 4 * 4,
                case=chance.randrange(40_000) // 5 * 5,
                job=chance.randrange(JOBS),
                agent=chance.randrange(300) // 4 * 4,
                sender=chance.randrange(SENDERS - 1),
                limit=chance.choice((20, 50, 100)),
            )

    return {
        "history": whichever(
            f"{im}/messages?contactId=contact-{{contact}}&limit={{limit}}",
            f"{im}/messages?orderId=order-{{order}}&limit={{limit}}",
        ),
        "conversations": whichever(
            f"{im}/conversations?limit={{limit}}",
            f"{im}/conversations?sort=time&limit={{limit}}",
            f"{im}/conversations?senderId=sender-{{sender}}&limit={{limit}}",
            f"{im}/conversations?contactId=contact-{{contact}}",
            f"{im}/conversations?phone=%2B16505550{{sender}}",
        ),
        "search_common": whichever(
            f"{search}?limit={{limit}}",
            f"{search}?status=failed&limit={{limit}}",
            f"{search}?channel=wecom&order=asc&limit={{limit}}",
            f"{search}?senderId=sender-{{sender}}&status=read&limit={{limit}}",
            f"{search}?direction=inbound&type=image&limit={{limit}}",
        ),
        "search_rare": whichever(
            f"{search}?senderId=sender-rare&limit={{limit}}",
            f"{search}?type=location&limit={{limit}}",
            f"{search}?errorCode=WA_ACCOUNT_ABNORMAL&limit={{limit}}",
            f"{search}?senderId=nobody",
            f"{search}?channel=wecom&status=sending&limit={{limit}}",
        ),
        "search_by_id": whichever(
            f"{search}?jobId=job-{{job}}&limit={{limit}}",
            f"{search}?jobId=job-{{job}}&status=failed&limit={{limit}}",
            f"{search}?caseId=case-{{case}}&limit={{limit}}",
            f"{search}?agentId=agent-{{agent}}&limit={{limit}}",
            f"{search}?recipient=%2B165055501{{sender}}",
        ),
        "statistics": whichever(
            "/api/whatsapp/stats?timeRange=24h",
            "/api/whatsapp/stats?timeRange=7d",
            "/api/whatsapp/stats?timeRange=30d",
            "/api/whatsapp/delivery-stats",
            "/api/v1/statistics/delivery?by=day",
            "/api/v1/statistics/delivery?by=channel&by=sender",
            "/api/whatsapp/usage?phone=sender-{sender}",
        ),
    }
