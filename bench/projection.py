"""What the projector's transaction costs on top of the SQL that any projection needs."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import psycopg2
import sqlalchemy as sa

from bench.arena import KEYS, Arena
from bench.bare_projection import RowsOfTheirOwn, SmallTables, TablesLikeOurs, projected
from bench.facts import batches
from bench.measurement import Measurement, Reading, in_turns
from runtime.garbage import look_seldom
from runtime.postgres import connect, transaction
from runtime.vault import Vault
from schemas.topics.provider_events import PROVIDER_EVENTS
from schemas.topics.send_requests import SEND_REQUESTS
from services.status_projector.apply import apply
from services.status_projector.heard import Heard
from services.status_projector.store import offsets
from services.status_projector.store.offsets import Place

TITLE = "The projector's transaction"
HOW = """\
Prepared batches of 1,000 records, each of another message and all at different points of their
lives (request, started, accepted, sent, delivered, read), are applied by the projector's own
`apply`, a transaction each: fencing, parking, lifecycle, row, history with the change to publish,
offsets, what explains them, conversations, counters, sealing. The raw limit runs four statements a
batch for as many messages with psycopg2: lock and read the rows, upsert them, add their histories,
commit. First on copies of a month of our two main tables (all columns and indexes), each row's
values prepared beforehand, one array literal a column; then (`…_beside_tables_like_ours`) on the
same copies, each row with the values of one that the server has already, so that none of them
travel; at last on tables of four columns. No broker takes part. Medians of three."""

GROUPS = 40
ZONE = ZoneInfo("UTC")


def run(arena: Arena) -> list[Measurement]:
    """Apply batches in both ways."""
    ground, groups = arena.ground, arena.scaled(GROUPS)
    engine = connect(ground.database_url)
    bare = psycopg2.connect(ground.stack.postgres.dsn)
    look_seldom()  # as the service does
    try:
        applied(engine, batches(1, "first"))
        small, like = SmallTables(bare), TablesLikeOurs(bare)
        own = RowsOfTheirOwn(bare)
        pairs = [
            in_turns(
                arena.repeats,
                ours=lambda number, run=run: applied(engine, batches(groups, f"{run}-{number}")),
                bare=lambda number, tables=tables: projected(
                    bare, tables, batches(groups, f"bare-{number}")
                ),
            )
            for run, tables in (("own", own), ("like", like), ("small", small))
        ]
    finally:
        bare.close()
        engine.dispose()
    beside_own, beside_like, beside_small = pairs
    return [
        beside_own.rate("projection_events_per_s", "events/s"),
        beside_own.cpu("projection_cpu_per_event"),
        beside_like.rate("projection_events_per_s_beside_tables_like_ours", "events/s"),
        beside_small.rate("projection_events_per_s_beside_small_tables", "events/s"),
    ]


def applied(engine: sa.Engine, prepared: Sequence[list[Heard]]) -> Reading:
    """Apply batches, a transaction each, as the owner of their partitions."""
    vault, epochs = Vault(KEYS), dict[Place, int]()
    with transaction(engine) as connection:
        connection.execute(sa.text("DELETE FROM applied_offsets"))  # each run counts from 0
        places = [(SEND_REQUESTS.name, 0), (PROVIDER_EVENTS.name, 0)]
        for place, claim in offsets.claim(connection, places).items():
            epochs[place] = claim.epoch
    began, cpu = time.perf_counter(), time.process_time()
    for batch in prepared:
        with transaction(engine) as connection:
            apply(connection, vault, batch, epochs, datetime.now(UTC), ZONE)
    took, cpu = time.perf_counter() - began, time.process_time() - cpu
    return Reading(sum(map(len, prepared)), took, cpu)
