"""The SQL that any projection needs, without our code: on small tables, and on tables like ours.

Four statements a batch: lock and read the messages' rows, upsert them, add their histories, commit.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import accumulate
from typing import Any, Final

import psycopg2.extensions
import sqlalchemy as sa

from bench.facts import names_of
from bench.measurement import Reading
from runtime.arrays import as_literal
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

    def values(self, names: Sequence[str], place: int) -> dict[str, str]:  # noqa: ARG002 - others need both
        """Return nothing: the names say all."""
        return {}


class TablesLikeOurs:
    """Copies of a month of the two main tables: all columns, keys and indexes, and rows as wide.

    What a row holds is copied from one row, on the server.
    """

    read: Final = """
        SELECT message_id, sequence FROM like_messages WHERE message_id = ANY(%(names)s)
        ORDER BY message_id FOR UPDATE
    """

    def __init__(self, connection: Connection) -> None:
        """Copy what the projector has made; it must have applied something."""
        with connection, connection.cursor() as cursor:
            for table, copy in _COPIES.items():
                _copy(cursor, table, copy)
        named = {"message_id": "r.name", "whatsapp_message_id": "r.name", "updated_at": "%(now)s"}
        counted = {"sequence": "r.sequence", "source_offset": "r.place"}
        self.upsert = _insert("messages", _names(messages), named | counted) + _UPDATED
        self.history = _insert("history", _names(message_status_history), named | counted)

    def values(self, names: Sequence[str], place: int) -> dict[str, str]:  # noqa: ARG002 - others need both
        """Return nothing: the server has all."""
        return {}


class RowsOfTheirOwn:
    """The same copies; what the rows hold comes with them, a prepared literal for each column."""

    read: Final = TablesLikeOurs.read

    def __init__(self, connection: Connection) -> None:
        """Look at the rows that `TablesLikeOurs` has copied."""
        with connection, connection.cursor() as cursor:
            self._columns = {copy: _sample(cursor, table, copy) for table, copy in _COPIES.items()}
        self.upsert = _insert_own("messages", self._columns["messages"]) + _UPDATED
        self.history = _insert_own("history", self._columns["history"])

    def values(self, names: Sequence[str], place: int) -> dict[str, str]:
        """Return the literals of both tables' columns, but for the sequence."""
        own = {
            "message_id": list(names),
            "whatsapp_message_id": list(names),
            "conversation_id": list(names),
            "person": [name.encode()[-16:] for name in names],
            "source_offset": [place + number for number in range(len(names))],
        }
        return {
            f"{copy}_{name}": str(as_literal(own.get(name, [value] * len(names))))
            for copy, columns in self._columns.items()
            for name, (_, value) in columns.items()
        }


_COPIES: Final = {messages: "messages", message_status_history: "history"}
_UPDATED: Final = """
    ON CONFLICT (message_id) DO UPDATE SET sequence = EXCLUDED.sequence,
        delivery_status = EXCLUDED.delivery_status, updated_at = EXCLUDED.updated_at,
        accepted_at = EXCLUDED.accepted_at, delivered_at = EXCLUDED.delivered_at,
        read_at = EXCLUDED.read_at
"""


def _names(table: sa.Table) -> list[str]:
    """Return the columns, without the number that each message gets by itself."""
    return [column.name for column in table.c if column.name != "id"]


def _copy(cursor: psycopg2.extensions.cursor, table: sa.Table, copy: str) -> None:
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


def _sample(
    cursor: psycopg2.extensions.cursor, table: sa.Table, copy: str
) -> dict[str, tuple[str, Any]]:
    """Return of each column, but for the sequence, the type and what one row holds."""
    cursor.execute(
        "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0",
        [f"like_{copy}"],
    )
    types: dict[str, str] = dict(cursor.fetchall())
    names = [name for name in _names(table) if name != "sequence"]
    cursor.execute(f"SELECT {', '.join(names)} FROM one_of_{copy}")  # noqa: S608 - our own words only
    return {
        name: (types[name], value)
        for name, value in zip(names, cursor.fetchone() or (), strict=True)
    }


def _insert(copy: str, columns: Sequence[str], own: dict[str, str]) -> str:
    values = ", ".join(own.get(column, f"one.{column}") for column in columns)
    return (
        f"INSERT INTO like_{copy} ({', '.join(columns)}) SELECT {values} FROM one_of_{copy} one,"  # noqa: S608 - our own words only
        " unnest(%(names)s::text[], %(sequences)s::int[]) WITH ORDINALITY"
        " AS r(name, sequence, place)"
    )


def _insert_own(copy: str, columns: Mapping[str, tuple[str, Any]]) -> str:
    arrays = [f"%({copy}_{name})s::{kind}[]" for name, (kind, _) in columns.items()]
    return (
        f"INSERT INTO like_{copy} ({', '.join(columns)}, sequence)"  # noqa: S608 - our own words only
        f" SELECT * FROM unnest({', '.join(arrays)}, %(sequences)s::int[])"
    )


Tables = SmallTables | TablesLikeOurs | RowsOfTheirOwn


def projected(connection: Connection, tables: Tables, prepared: Sequence[list[Heard]]) -> Reading:
    """Run the statements for batches, a transaction each; the values are made beforehand."""
    named = [list(names_of(batch)) for batch in prepared]
    places = accumulate(map(len, named), initial=time.time_ns())
    valued = [tables.values(names, place) for names, place in zip(named, places, strict=False)]
    with connection.cursor() as cursor:
        began, cpu = time.perf_counter(), time.process_time()
        for names, own in zip(named, valued, strict=True):
            cursor.execute(tables.read, {"names": names})
            known: dict[str, int] = dict(cursor.fetchall())
            sequences = [known.get(name, 0) + 1 for name in names]
            values = {"names": names, "sequences": sequences, "now": datetime.now(UTC), **own}
            cursor.execute(tables.upsert, values)
            cursor.execute(tables.history, values)
            connection.commit()
        took, cpu = time.perf_counter() - began, time.process_time() - cpu
    return Reading(sum(map(len, named)), took, cpu)
