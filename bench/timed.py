"""How late timed pushes are when thousands are due in one minute, and what a million costs idle."""

import asyncio
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
import uvloop

from bench.arena import Arena
from bench.costs import POSTGRESQL, Meter, difference
from bench.measurement import BenchError, Measurement, percentile
from bench.readers import Record, ends_of, since
from deploy.pipeline import Pipeline
from schemas.topics.send_requests import SEND_REQUESTS

TITLE = "10,000 tasks due in one minute"
HOW = """\
Two schedulers run beside a table of 1,000,000 tasks that are due another day. 10,000 tasks of ten
groups each are due within one minute, evenly spread over its seconds; half-way one scheduler is
killed. The figure is how long after its task's second each request was given to `send-requests`,
by its record's time; each group's must be there, and what is there twice is one transaction of the
killed one. Before that, one scheduler does nothing for a while, without the table and with it: the
figure is its processor time by the second, its raw limit the same without the table."""

TASKS = 10_000
GROUPS = 10
ASLEEP = 1_000_000
BEGINS_IN = timedelta(seconds=5)
MINUTE = timedelta(minutes=1)
DONE_WITHIN = timedelta(minutes=3)
IDLE = timedelta(seconds=30)
LOOK_EVERY = timedelta(seconds=1)
MOST_TWICE = 50 * GROUPS
"""One hand-over."""


def run(arena: Arena) -> list[Measurement]:
    """Measure the idle scheduler, then two busy ones."""
    asleep, tasks = arena.scaled(ASLEEP), arena.scaled(TASKS)
    with arena.system("scheduler") as system:
        without, _ = _idle(arena, system)
        arena.say(f"{asleep:,} tasks are entered")
        _enter_asleep(system, asleep)
        beside, database = _idle(arena, system)
    with arena.system("scheduler", copies={"scheduler": 2}) as system:
        late = uvloop.run(_burst(arena, system, tasks))
    return [
        Measurement("timed_idle_scheduler_cpu", beside, "cores", without),
        Measurement("timed_idle_postgresql_cpu", database, "cores"),
        *(
            Measurement(f"timed_lateness_p{share * 100:.0f}", percentile(late, share), "s")
            for share in (0.5, 0.99)
        ),
        Measurement("timed_lateness_most", max(late), "s"),
    ]


def _idle(arena: Arena, system: Pipeline) -> tuple[float, float]:
    """Return the processor time by the second of the scheduler and of PostgreSQL."""
    arena.say("a scheduler with nothing to do")
    meter = Meter(system)
    before = meter.cpu_seconds()
    time.sleep(IDLE.total_seconds())
    spent = difference(before, meter.cpu_seconds())
    return spent["scheduler"] / IDLE.total_seconds(), spent[POSTGRESQL] / IDLE.total_seconds()


_COLUMNS = """
    INSERT INTO t_tasks (
        task_id, name, schedule_type, schedule_time, content_text, groups, priority, status,
        creator_id, preview_recipients, created_at, updated_at, timezone, next_at, misfire_within,
        content_hash
    )
"""
_ASLEEP = f"""
    {_COLUMNS}
    SELECT 'asleep-' || n, 'bench', 'once', due, 'Tomorrow.', '["group-0"]', 'medium',
        'scheduled', '1', '[]', now(), now(), 'UTC', due, interval '15 minutes', '\\x00'
    FROM generate_series(1, :count) AS n,
        LATERAL (SELECT now() + interval '1 day' + n * interval '1 second') AS at(due)
"""  # noqa: S608 - our own words only
_DUE = f"""
    {_COLUMNS}
    SELECT 'due-' || n, 'bench', 'once', due, 'The course begins at six.', :groups,
        (ARRAY['high', 'medium', 'low'])[1 + n % 3], 'scheduled', '1', '[]', now(), now(), 'UTC',
        due, interval '15 minutes', '\\x00'
    FROM generate_series(0, :count - 1) AS n,
        LATERAL (SELECT CAST(:begins AS timestamptz) + n * 60 / :count * interval '1 second')
            AS at(due)
"""  # noqa: S608 - our own words only
_GROUPS = """
    INSERT INTO t_groups (group_id, name, channel, sender_id, recipient, created_at)
    SELECT 'group-' || n, 'bench', 'wecom', 'ww1', 'chat:' || n, now()
    FROM generate_series(0, :count - 1) AS n
"""


def _enter_asleep(system: Pipeline, count: int) -> None:
    engine = sa.create_engine(system.database_url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text(_ASLEEP), {"count": count})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("VACUUM ANALYZE t_tasks"))


async def _burst(arena: Arena, system: Pipeline, count: int) -> list[float]:
    engine = sa.create_engine(system.database_url, poolclass=sa.NullPool)
    starts = await ends_of(system.bootstrap, SEND_REQUESTS.name)
    begins = (datetime.now(UTC) + BEGINS_IN).replace(microsecond=0)
    with engine.begin() as connection:
        connection.execute(sa.text(_GROUPS), {"count": GROUPS})
        groups = "[" + ", ".join(f'"group-{number}"' for number in range(GROUPS)) + "]"
        values = {"count": count, "begins": begins, "groups": groups}
        connection.execute(sa.text(_DUE), values)
    half = begins + MINUTE / 2
    await asyncio.sleep((half - datetime.now(UTC)).total_seconds())
    arena.say("one of two schedulers is killed")
    await asyncio.to_thread(system.process("scheduler", 1).kill)
    await _until_published(arena, engine, count * GROUPS)
    due = await asyncio.to_thread(_due_times, engine)
    return _lateness(await since(system.bootstrap, SEND_REQUESTS.name, starts), due)


async def _until_published(arena: Arena, engine: sa.Engine, count: int) -> None:
    deadline = time.monotonic() + DONE_WITHIN.total_seconds()
    while (published := await asyncio.to_thread(_published, engine)) < count:
        arena.say(f"{published:,} of {count:,} requests handed over")
        if time.monotonic() > deadline:
            raise BenchError(f"{published} of {count} requests were handed over in time")
        await asyncio.sleep(LOOK_EVERY.total_seconds())


def _published(engine: sa.Engine) -> int:
    query = "SELECT count(*) FROM t_push_results WHERE published_at IS NOT NULL"
    with engine.connect() as connection:
        return connection.execute(sa.text(query)).scalar_one()


def _due_times(engine: sa.Engine) -> dict[str, datetime]:
    query = "SELECT message_id, due_at FROM t_push_results JOIN t_pushes USING (push_id)"
    with engine.connect() as connection:
        return {row.message_id: row.due_at for row in connection.execute(sa.text(query))}


def _lateness(records: list[Record], due: dict[str, datetime]) -> list[float]:
    """Return the seconds from each message's time to its first record."""
    found = [(SEND_REQUESTS.decode(one.value).message_id, one.timestamp) for one in records]
    counts = Counter(message_id for message_id, _ in found)
    if counts.keys() != due.keys():
        raise BenchError(f"{len(counts.keys() ^ due.keys())} messages are missing or made up")
    if (twice := len(found) - len(counts)) > MOST_TWICE:
        raise BenchError(f"{twice} records are repetitions")
    first: dict[str, int] = {}
    for message_id, stamp in found:
        first[message_id] = min(stamp, first.get(message_id, stamp))
    return [first[message_id] / 1_000 - at.timestamp() for message_id, at in due.items()]
