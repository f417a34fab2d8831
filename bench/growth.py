"""Whether the projector's transaction stays as quick when the table of messages is full."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from bench.arena import Arena
from bench.facts import batches
from bench.measurement import Measurement, Reading
from bench.projection import applied
from runtime.postgres import connect, transaction
from schemas.tables.partitions import ensure_months

TITLE = "The projector's transaction as messages grow"
HOW = """\
The batches of the projector's transaction are applied with ever more messages in the table, up to
five million: rows of finished messages, spread over three months, with ids, people and
conversations of their own. They are written by the server in bulk and analysed. The first figure is
of an empty table; the last is the slowest as a share of it. Memory is that of the process that
applies, after everything, batches included."""

GROUPS: Final = 20
STEPS: Final = 5
CHUNK: Final = 100_000
MONTHS: Final = 3

_FILL = sa.text(
    """
    INSERT INTO messages
        (message_id, channel, sender_id, person, conversation_id, message_type, sealed,
         message_direction, whatsapp_message_id, delivery_status, sequence, sent_at, started_at,
         accepted_at, delivered_at, read_at, tenant_id, created_at, updated_at)
    SELECT 'msg_' || md5(CAST(n AS text)), 'whatsapp', '106540352242922',
           substring(sha256(CAST(CAST(n / 5 AS text) AS bytea)) FOR 16),
           'cnv_' || md5(CAST(n / 5 AS text)), 'text',
           sha512(CAST(CAST(n AS text) AS bytea)) || sha512(CAST(CAST(-n AS text) AS bytea)),
           'outbound', 'wamid.' || md5(CAST(-n AS text)), 'read', 4, at, at, at, at, at, 'acme', at,
           at
    FROM (
        SELECT n, :newest - n * CAST(:each AS interval) AS at
        FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) n
    ) r
    """
)


def run(arena: Arena) -> list[Measurement]:
    """Apply the same batches while the table grows."""
    engine = connect(arena.ground.database_url, pool=1)
    now = datetime.now(UTC)
    with transaction(engine) as connection:
        for months in range(1, MONTHS):
            ensure_months(connection, (now - timedelta(days=30 * months)).date(), ahead=0)
    rates: dict[int, float] = {}
    for step in range(STEPS + 1):
        rows = arena.rows * step // STEPS
        _fill(engine, arena, max(rates, default=0), rows, now)
        arena.say(f"with {rows:,} messages")
        rates[rows] = _reading(engine, arena, step).per_second
    engine.dispose()
    empty = rates[0]
    return [
        *(
            Measurement(f"projection_with_{rows}_messages", rate, "events/s")
            for rows, rate in rates.items()
        ),
        Measurement("projection_slowest_of_empty", min(rates.values()) / empty, "share"),
        Measurement("projection_memory", _resident_mb(), "MB"),
    ]


def _fill(engine: sa.Engine, arena: Arena, done: int, rows: int, newest: datetime) -> None:
    # Nobody's month may lie outside of the partitions.
    each = timedelta(days=28 * (MONTHS - 1)) / max(arena.rows, 1)
    for first in range(done, rows, CHUNK):
        arena.say(f"filling: {first:,} messages")
        with transaction(engine) as connection:
            connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
            last = min(first + CHUNK, rows) - 1
            values = {"first": first, "last": last, "newest": newest, "each": each}
            connection.execute(_FILL, values)
    with transaction(engine) as connection:
        connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
        connection.execute(sa.text("ANALYZE messages"))


def _reading(engine: sa.Engine, arena: Arena, step: int) -> Reading:
    readings = [
        applied(engine, batches(arena.scaled(GROUPS), f"grown-{step}-{turn}"))
        for turn in range(arena.repeats)
    ]
    return sorted(readings, key=lambda reading: reading.per_second)[len(readings) // 2]


def _resident_mb() -> float:
    status = Path("/proc/self/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) / 1_024
