"""Whether the projector's transaction stays as quick when the table of messages is full."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import psycopg2
import sqlalchemy as sa

from bench.arena import Arena
from bench.bare_projection import RowsOfTheirOwn, TablesLikeOurs, projected
from bench.facts import batches
from bench.measurement import Measurement, Pair, in_turns
from bench.projection import applied
from runtime.garbage import look_seldom
from runtime.postgres import connect, transaction
from schemas.tables.partitions import ensure_months

TITLE = "The projector's transaction as messages grow"
HOW = """\
The batches of the projector's transaction are applied with ever more messages in the table, up to
five million: rows of finished messages, spread over three months, with ids, people and
conversations of their own. They are written by the server in bulk and analysed. Beside each figure
stands the bare loop on tables that do not grow, taken in turns with ours, so that the machine's
moods show in both; `projection_slowest_of_empty` compares ratios. The memory is that of the process
that applies, after everything, the bare loop and all batches included."""

WITH_MESSAGES: Final = "projection_with_messages_"
"""What the figures of the curve are called, before the number of messages."""
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
    bare = psycopg2.connect(arena.ground.stack.postgres.dsn)
    look_seldom()  # as the service does
    now = datetime.now(UTC)
    with transaction(engine) as connection:
        for months in range(1, MONTHS):
            ensure_months(connection, (now - timedelta(days=30 * months)).date(), ahead=0)
    applied(engine, batches(1, "first"))
    TablesLikeOurs(bare)
    tables, done = RowsOfTheirOwn(bare), 0
    rates: list[Measurement] = []
    for step in range(STEPS + 1):
        rows = arena.rows * step // STEPS
        _fill(engine, arena, done, rows, now)
        done = rows
        arena.say(f"with {rows:,} messages")
        pair = _pair(engine, bare, tables, arena, step)
        rates.append(pair.rate(f"{WITH_MESSAGES}{rows}", "events/s"))
    bare.close()
    engine.dispose()
    ratios = [one.ratio or 0.0 for one in rates]
    return [
        *rates,
        Measurement("projection_slowest_of_empty", min(ratios) / ratios[0], "share"),
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


def _pair(
    engine: sa.Engine,
    bare: psycopg2.extensions.connection,
    tables: RowsOfTheirOwn,
    arena: Arena,
    step: int,
) -> Pair:
    groups = arena.scaled(GROUPS)
    return in_turns(
        arena.repeats,
        ours=lambda turn: applied(engine, batches(groups, f"grown-{step}-{turn}")),
        bare=lambda turn: projected(bare, tables, batches(groups, f"bare-{step}-{turn}")),
    )


def _resident_mb() -> float:
    status = Path("/proc/self/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) / 1_024
