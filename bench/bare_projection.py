"""The SQL that any projection needs, without our code: on small tables, and on tables like ours.

Four statements a batch: lock and read the messages' rows, upsert them, add their histories, commit.
"""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import psycopg2.extensions

from bench.facts import names_of
from bench.measurement import Reading
from schemas.tables.messages import message_status_history, messages
from services.status_projector.heard import Heard

Connection = psycopg2.extensions.connection


class SmallTables:
    """A row of four columns for each message and each change, each with its key alone."""

    _tables: Final = """
        CREATE TABLE IF NOT EXISTS small_messages (
            message_id text PRIMARY KEY, status text NOT NULL, sequence int NOT NULL,
            updated_at timestamptz NOT NULL) WITH (fillfactor = 70);
        CREATE TABLE IF NOT EXISTS small_history (
            message_id text, sequence int, status text NOT NULL, updated_at timestamptz NOT NULL,
            PRIMARY KEY (message_id, sequence));
    """
    read: Final = """
        SELECT message_id, sequence FROM small_messages WHERE message_id = ANY(%(names)s)
        ORDER BY message_id FOR UPDATE
    """
    upsert: Final = """
        INSERT INTO small_messages (message_id, status, sequence, updated_at)
        SELECT name, 'sent', sequence, %(now)s
        FROM unnest(%(names)s::text[], %(sequences)s::int[]) AS r(name, sequence)
        ON CONFLICT (message_id) DO UPDATE
        SET sequence = EXCLUDED.sequence, updated_at = EXCLUDED.updated_at
    """
    history: Final = """
        INSERT INTO small_history (message_id, sequence, status, updated_at)
        SELECT name, sequence, 'sent', %(now)s
        FROM unnest(%(names)s::text[], %(sequences)s::int[]) AS r(name, sequence)
    """

    def __init__(self, connection: Connection) -> None:
        with connection, connection.cursor() as cursor:
            cursor.execute(self._tables)


class TablesLikeOurs:
    """Copies of a month of the two main tables: all columns, keys and indexes, and rows as wide."""

    read: Final = """
        SELECT message_id, sequence FROM like_messages WHERE message_id = ANY(%(names)s)
        ORDER BY message_id FOR UPDATE
    """

    def __init__(self, connection: Connection) -> None:
        """Copy what the projector has made; it must have applied something."""
        with connection, connection.cursor() as cursor:
            for table, copy in ((messages, "messages"), (message_status_history, "history")):
                cursor.execute(
                    "SELECT c.oid::regclass, array_to_string(c.reloptions, ',')"  # noqa: S608 - our own words only
                    f" FROM {table.name} t JOIN pg_class c ON c.oid = t.tableoid LIMIT 1"
                )
                month, options = cursor.fetchone() or ("", "")
                settings = f"WITH ({options})" if options else ""
                cursor.execute(f"CREATE TABLE like_{copy} (LIKE {month} INCLUDING ALL) {settings}")
                cursor.execute(
                    f"CREATE TABLE one_of_{copy} AS SELECT * FROM {table.name}"  # noqa: S608 - our own words only
                    " ORDER BY sequence DESC LIMIT 1"
                )
        named = {"message_id": "r.name", "whatsapp_message_id": "r.name", "updated_at": "%(now)s"}
        counted = {"sequence": "r.sequence", "source_offset": "r.place"}
        self.upsert = _insert("messages", [c.name for c in messages.c][1:], named | counted) + (
            " ON CONFLICT (message_id) DO UPDATE SET sequence = EXCLUDED.sequence,"
            " delivery_status = EXCLUDED.delivery_status, updated_at = EXCLUDED.updated_at,"
            " accepted_at = EXCLUDED.accepted_at, delivered_at = EXCLUDED.delivered_at,"
            " read_at = EXCLUDED.read_at"
        )
        changed = [c.name for c in message_status_history.c]
        self.history = _insert("history", changed, named | counted)


def _insert(copy: str, columns: Sequence[str], own: dict[str, str]) -> str:
    values = ", ".join(own.get(column, f"one.{column}") for column in columns)
    return (
        f"INSERT INTO like_{copy} ({', '.join(columns)}) SELECT {values} FROM one_of_{copy} one,"  # noqa: S608 - our own words only
        " unnest(%(names)s::text[], %(sequences)s::int[]) WITH ORDINALITY"
        " AS r(name, sequence, place)"
    )


def projected(
    connection: Connection, tables: SmallTables | TablesLikeOurs, prepared: Sequence[list[Heard]]
) -> Reading:
    """Run the statements for batches, a transaction each."""
    named = [list(names_of(batch)) for batch in prepared]
    with connection.cursor() as cursor:
        began, cpu = time.perf_counter(), time.process_time()
        for names in named:
            cursor.execute(tables.read, {"names": names})
            known: dict[str, int] = dict(cursor.fetchall())
            sequences = [known.get(name, 0) + 1 for name in names]
            values = {"names": names, "sequences": sequences, "now": datetime.now(UTC)}
            cursor.execute(tables.upsert, values)
            cursor.execute(tables.history, values)
            connection.commit()
        took, cpu = time.perf_counter() - began, time.process_time() - cpu
    return Reading(sum(map(len, named)), took, cpu)
