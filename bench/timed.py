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
from bench.readers import KEYS, Record, ends_of, since
from bench.task_rows import TEXT, sealed
from deploy.pipeline import Pipeline
from schemas.topics.send_requests import SEND_REQUESTS

TITLE = "10,000 tasks due in one minute"
HOW = """\
Two schedulers run beside a table of 1,000,000 tasks that are due another day. 10,000 tasks of ten
groups each are due within one minute, evenly spread over its seconds; half-way one scheduler is
killed. Then, with two again, 10,000 more are due at one second, as plans are that people make for
a full hour; one scheduler is killed a second later (`timed_at_once_`). All have a recipient, who
is reminded before and told the result. The figure is how long after its task's second each request
was given to `send-requests`, by its record's time; each group's must be there, and what is there
twice is one transaction of the killed one. Before that, one scheduler does nothing for a while,
without the table and with it: the figure is its processor time by the second, its raw limit the
same without the table."""

TASKS = 10_000
GROUPS = 10
ASLEEP = 1_000_000
BEGINS_IN = timedelta(seconds=30)
"""Long enough to remind everybody."""
MINUTE = timedelta(minutes=1)
AT_ONCE = timedelta(0)
DIES_AFTER = timedelta(seconds=1)
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
        late = uvloop.run(_burst(arena, system, tasks, MINUTE, kill_after=MINUTE / 2))
    with arena.system("scheduler", copies={"scheduler": 2}) as system:
        at_once = uvloop.run(_burst(arena, system, tasks, AT_ONCE, kill_after=DIES_AFTER))
    return [
        Measurement("timed_idle_scheduler_cpu", beside, "cores", without),
        Measurement("timed_idle_postgresql_cpu", database, "cores"),
        *_figures("timed_lateness", late),
        *_figures("timed_at_once_lateness", at_once),
    ]


def _figures(name: str, late: list[float]) -> list[Measurement]:
    return [
        *(
            Measurement(f"{name}_p{share * 100:.0f}", percentile(late, share), "s")
            for share in (0.5, 0.99)
        ),
        Measurement(f"{name}_most", max(late), "s"),
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
        task_id, name, schedule_type, schedule_time, sealed, groups, priority, status,
        creator_id, preview_recipients, created_at, updated_at, timezone, next_at, misfire_within,
        content_hash
    )
"""
_ASLEEP = f"""
    {_COLUMNS}
    SELECT 'asleep-' || n, 'bench', 'once', due, :sealed, '["group-0"]', 'medium',
        'scheduled', '1', jsonb_build_array('person-' || n % 1000), now(), now(), 'UTC', due,
        interval '15 minutes', '\\x00'
    FROM generate_series(1, :count) AS n,
        LATERAL (SELECT now() + interval '1 day' + n * interval '1 second') AS at(due)
"""  # noqa: S608 - our own words only
_DUE = f"""
    {_COLUMNS}
    SELECT :run || n, 'bench', 'once', due, :sealed, :groups,
        (ARRAY['high', 'medium', 'low'])[1 + n % 3], 'scheduled', '1',
        jsonb_build_array('person-' || n % 1000), now(), now(), 'UTC', due, interval '15 minutes',
        '\\x00'
    FROM generate_series(0, :count - 1) AS n,
        LATERAL (
            SELECT CAST(:begins AS timestamptz) + n * :seconds / :count * interval '1 second'
        ) AS at(due)
"""  # noqa: S608 - our own words only
_GROUPS = """
    INSERT INTO t_groups (group_id, name, channel, sender_id, recipient, created_at)
    SELECT 'group-' || n, 'bench', 'wecom', 'ww1', 'chat:' || n, now()
    FROM generate_series(0, :count - 1) AS n
    ON CONFLICT DO NOTHING
"""


def _enter_asleep(system: Pipeline, count: int) -> None:
    engine = sa.create_engine(system.database_url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        [said] = sealed(connection, TEXT, [None])
        connection.execute(sa.text(_ASLEEP), {"count": count, "sealed": said})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("VACUUM ANALYZE t_tasks"))


async def _burst(
    arena: Arena, system: Pipeline, count: int, span: timedelta, *, kill_after: timedelta
) -> list[float]:
    """Return the lateness of each request of tasks that are due within the span."""
    run = f"due-in-{span.seconds}-"
    engine = sa.create_engine(system.database_url, poolclass=sa.NullPool)
    starts = await ends_of(system.bootstrap, SEND_REQUESTS.name)
    begins = (datetime.now(UTC) + BEGINS_IN).replace(microsecond=0)
    with engine.begin() as connection:
        connection.execute(sa.text(_GROUPS), {"count": GROUPS})
        groups = "[" + ", ".join(f'"group-{number}"' for number in range(GROUPS)) + "]"
        values = {"count": count, "begins": begins, "groups": groups, "run": run}
        [said] = sealed(connection, TEXT, [None])
        connection.execute(sa.text(_DUE), values | {"seconds": span.seconds, "sealed": said})
    arena.say(f"{count:,} tasks are due within {span.seconds} s")
    await asyncio.sleep((begins + kill_after - datetime.now(UTC)).total_seconds())
    arena.say("one of two schedulers is killed")
    await asyncio.to_thread(system.process("scheduler", 1).kill)
    await _until_published(arena, engine, run, count * GROUPS)
    due = await asyncio.to_thread(_due_times, engine, run)
    return _lateness(await since(system.bootstrap, SEND_REQUESTS.name, starts), due)


async def _until_published(arena: Arena, engine: sa.Engine, run: str, count: int) -> None:
    deadline = time.monotonic() + DONE_WITHIN.total_seconds()
    while (published := await asyncio.to_thread(_published, engine, run)) < count:
        arena.say(f"{published:,} of {count:,} requests handed over")
        if time.monotonic() > deadline:
            raise BenchError(f"{published} of {count} requests were handed over in time")
        await asyncio.sleep(LOOK_EVERY.total_seconds())


_OF_RUN = "t_push_results JOIN t_pushes USING (push_id) WHERE starts_with(task_id, :run)"


def _published(engine: sa.Engine, run: str) -> int:
    query = f"SELECT count(*) FROM {_OF_RUN} AND t_push_results.published_at IS NOT NULL"  # noqa: S608 - our own words only
    with engine.connect() as connection:
        return connection.execute(sa.text(query), {"run": run}).scalar_one()


def _due_times(engine: sa.Engine, run: str) -> dict[str, datetime]:
    query = f"SELECT message_id, due_at FROM {_OF_RUN}"  # noqa: S608 - the same
    with engine.connect() as connection:
        rows = connection.execute(sa.text(query), {"run": run})
        return {row.message_id: row.due_at for row in rows}


def _lateness(records: list[Record], due: dict[str, datetime]) -> list[float]:
    """Return the seconds from each message's time to its first record."""
    asked = [(KEYS.decode(SEND_REQUESTS, one), one.timestamp) for one in records]
    # What belongs to no push reminds its recipients, or tells them of one.
    found = [(request.message_id, stamp) for request, stamp in asked if request.job_id]
    counts = Counter(message_id for message_id, _ in found)
    if counts.keys() != due.keys():
        raise BenchError(f"{len(counts.keys() ^ due.keys())} messages are missing or made up")
    if (twice := len(found) - len(counts)) > MOST_TWICE:
        raise BenchError(f"{twice} records are repetitions")
    first: dict[str, int] = {}
    for message_id, stamp in found:
        first[message_id] = min(stamp, first.get(message_id, stamp))
    return [first[message_id] / 1_000 - at.timestamp() for message_id, at in due.items()]
