"""Creates monthly partitions ahead of time and drops old ones; there is no DEFAULT partition."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import sqlalchemy as sa

MONTHS_AHEAD = 3
"""Long enough that a service which is down for weeks finds its partition on its return."""

_LOCK: Final = 7_311_854_022_671_043_588
"""Any number of ours: one process at a time creates or drops."""
_PATIENCE: Final = "500ms"
"""Whoever waits for the lock on a whole table holds up everybody who comes after."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """A table that is partitioned by month."""

    name: str
    settings: str = ""
    keys: tuple[str, ...] = ()
    """What each partition has and the whole table has not, ``{}`` standing for its name.

    A key of the whole table would have to contain the moment, and so keep nothing unique.
    """


_TABLES: Final = (
    _Kept(
        "messages",
        # Room on each page for the four or five updates of a message's life.
        settings="WITH (fillfactor = 50)",
        keys=(
            "ALTER TABLE {} ADD PRIMARY KEY (message_id)",
            "CREATE UNIQUE INDEX ON {} (whatsapp_message_id) WHERE whatsapp_message_id IS NOT NULL",
        ),
    ),
    _Kept("message_status_history"),
    _Kept("message_facts"),
)


def ensure_months(connection: sa.Connection, today: date, ahead: int = MONTHS_AHEAD) -> None:
    """Create the partitions from last month's to ``ahead`` months after today's, where missing."""
    _take_turns(connection)
    for table in _TABLES:
        if (have := _partitions(connection, table)) is not None:
            for offset in range(-1, ahead + 1):
                first, after = month_of(today, offset), month_of(today, offset + 1)
                if _name(table, first) not in have:
                    _create(connection, table, first, after)


def drop_month(connection: sa.Connection, before: date) -> str | None:
    """Drop one partition of which all is older (SE-02); return its name, None if there is none.

    One a transaction: each holds up all readers of its table. Raises an error of the database where
    somebody reads the table for long: try again later.
    """
    _take_turns(connection)
    connection.execute(sa.text(f"SET LOCAL lock_timeout = '{_PATIENCE}'"))
    kept = date(before.year, before.month, 1)
    old = [
        name
        for table in _TABLES
        for name in _partitions(connection, table) or ()
        if name < _name(table, kept)
    ]
    if not old:
        return None
    name = old[0]
    connection.execute(sa.text(f"DROP TABLE {name}"))
    year, month = map(int, name[-len("2026_01") :].split("_"))
    values = {"partition": name, "until": month_of(date(year, month, 1), 1)}
    connection.execute(_DROPPED, values)
    return name


_DROPPED: Final = sa.text(
    """
    INSERT INTO dropped_months (partition, until, dropped_at) VALUES (:partition, :until, now())
    ON CONFLICT (partition) DO UPDATE SET dropped_at = EXCLUDED.dropped_at
    """
)


def month_of(today: date, offset: int = 0) -> date:
    """Return the first day of a month, as many after today's as ``offset`` says."""
    years, month = divmod(today.year * 12 + today.month - 1 + offset, 12)
    return date(years, month + 1, 1)


def _create(connection: sa.Connection, table: _Kept, first: date, after: date) -> None:
    # Attached when it is ready: created as a partition, it would wait for all readers of the table,
    # and all readers that come after for it.
    name = _name(table, first)
    statements = (
        f"CREATE TABLE {name} (LIKE {table.name} INCLUDING DEFAULTS) {table.settings}",
        *(key.format(name) for key in table.keys),
        f"ALTER TABLE {table.name} ATTACH PARTITION {name} {_between(first, after)}",
    )
    for statement in statements:
        connection.execute(sa.text(statement))


def _partitions(connection: sa.Connection, table: _Kept) -> Sequence[str] | None:
    """Return the names of a table's partitions; None while it is not partitioned yet."""
    found = connection.execute(
        sa.text(
            """
            SELECT array_remove(array_agg(child.relname::text ORDER BY child.relname), NULL)
            FROM pg_class parent
            LEFT JOIN pg_inherits i ON i.inhparent = parent.oid
            LEFT JOIN pg_class child ON child.oid = i.inhrelid
            WHERE parent.oid = to_regclass(:name) AND parent.relkind = 'p'
            GROUP BY parent.oid
            """
        ),
        {"name": table.name},
    )
    return found.scalar()


def _between(first: date, after: date) -> str:
    return f"FOR VALUES FROM ('{first}') TO ('{after}')"


def _name(table: _Kept, first: date) -> str:
    return f"{table.name}_{first:%Y_%m}"


def _take_turns(connection: sa.Connection) -> None:
    connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
