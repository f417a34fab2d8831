"""What the projector's transaction costs on top of the SQL that any projection needs."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import psycopg2
import psycopg2.extensions
import sqlalchemy as sa
from pydantic import SecretStr

from bench.arena import Arena
from bench.facts import batches, names_of
from bench.measurement import Measurement, Reading, in_turns
from runtime.postgres import connect, transaction
from runtime.vault import Vault, VaultSettings
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
offsets. The raw limit runs four statements a batch for as many messages with psycopg2: lock and
read the rows, upsert them, add their histories, commit. No broker takes part. Medians of three."""

GROUPS = 40
ZONE = ZoneInfo("UTC")
KEYS = VaultSettings(
    message_encryption_key=SecretStr("the benchmarks' own master key and nobody else's"),
    message_lookup_key=SecretStr("the benchmarks' own lookup key and nobody else's"),
)
TABLES = """
    CREATE TABLE IF NOT EXISTS bare_messages (
        message_id text PRIMARY KEY, status text NOT NULL, sequence int NOT NULL,
        updated_at timestamptz NOT NULL) WITH (fillfactor = 70);
    CREATE TABLE IF NOT EXISTS bare_history (
        message_id text, sequence int, status text NOT NULL, updated_at timestamptz NOT NULL,
        PRIMARY KEY (message_id, sequence));
"""
READ = """
    SELECT message_id, sequence FROM bare_messages WHERE message_id = ANY(%s)
    ORDER BY message_id FOR UPDATE
"""
UPSERT = """
    INSERT INTO bare_messages (message_id, status, sequence, updated_at)
    SELECT name, 'sent', sequence, %s FROM unnest(%s::text[], %s::int[]) AS r(name, sequence)
    ON CONFLICT (message_id) DO UPDATE SET sequence = EXCLUDED.sequence, updated_at = %s
"""
HISTORY = """
    INSERT INTO bare_history (message_id, sequence, status, updated_at)
    SELECT name, sequence, 'sent', %s FROM unnest(%s::text[], %s::int[]) AS r(name, sequence)
"""


def run(arena: Arena) -> list[Measurement]:
    """Apply batches in both ways."""
    ground, groups = arena.ground, arena.scaled(GROUPS)
    engine = connect(ground.database_url)
    bare = psycopg2.connect(ground.stack.postgres.dsn)
    try:
        pair = in_turns(
            arena.repeats,
            ours=lambda number: applied(engine, batches(groups, f"ours-{number}")),
            bare=lambda number: _bare(bare, batches(groups, f"bare-{number}")),
        )
    finally:
        bare.close()
        engine.dispose()
    return [pair.rate("projection_events_per_s", "events/s"), pair.cpu("projection_cpu_per_event")]


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


def _bare(connection: psycopg2.extensions.connection, prepared: Sequence[list[Heard]]) -> Reading:
    named = [list(names_of(batch)) for batch in prepared]
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        connection.commit()
        began, cpu = time.perf_counter(), time.process_time()
        for names in named:
            now = datetime.now(UTC)
            cursor.execute(READ, (names,))
            known: dict[str, int] = dict(cursor.fetchall())
            sequences = [known.get(name, 0) + 1 for name in names]
            cursor.execute(UPSERT, (now, names, sequences, now))
            cursor.execute(HISTORY, (now, names, sequences))
            connection.commit()
        took, cpu = time.perf_counter() - began, time.process_time() - cpu
    return Reading(sum(map(len, named)), took, cpu)
