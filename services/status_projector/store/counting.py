"""Counts the rows, and compares with the counters that are kept of them (R3, BJ-05)."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from domain.identity import is_fallback_of
from domain.staleness import CALLED_BACK, FORGOTTEN_AFTER, STEP, step_of
from runtime.clock import now

BEGINNING: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Before anybody counted."""
ALL_TIME: Final = datetime(3000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Difference:
    """A counter that is not what counting the rows gives."""

    what: str
    """The table that keeps it."""
    id: str
    counter: str
    kept: int
    counted: int


@dataclass(frozen=True, slots=True)
class Scope:
    """What is counted, where that is not everything."""

    since: datetime
    """Before it, retention has dropped messages that were counted."""
    fallbacks: Sequence[str]
    """Messages that were sent instead of others: their jobs have no rows for them (IM-58)."""
    sends_since: datetime
    """Before it, nobody keeps how many sends there were."""


@dataclass(frozen=True, slots=True)
class Counters:
    """A table of counters, and what they count."""

    table: str
    key: Sequence[str]
    columns: Sequence[str]
    counted: str
    """A query for the same columns, from the rows that are counted."""
    kept: str = "true"
    """Which rows of the table are compared."""
    type: str = "text"
    """Of the key's first column."""
    stamp: str | None = "updated_at"
    """The column that says when they moved."""

    def differing(
        self, connection: sa.Connection, scope: Scope, among: Collection[Any] | None = None
    ) -> Sequence[sa.RowMapping]:
        """Return the rows that differ; one that is missing counts as 0.

        ``among``: only of these first columns of the key; None for all.
        """
        statement = sa.text(self._statement)
        return connection.execute(statement, _values(scope, among)).mappings().all()

    def differences(self, connection: sa.Connection, scope: Scope) -> Iterator[Difference]:
        """Yield the counters that differ."""
        for row in self.differing(connection, scope):
            key = " ".join(str(row[name]) for name in self.key)
            for name in self.columns:
                if row[f"kept_{name}"] != row[name]:
                    kept, counted = row[f"kept_{name}"], row[name]
                    yield Difference(self.table, key, name, kept, counted)

    def put_right(
        self, connection: sa.Connection, scope: Scope, among: Collection[Any], at: datetime
    ) -> None:
        """Let counters of these keys say what counting the rows gives."""
        stamps = {} if self.stamp is None else {self.stamp: ":now"}
        cells = {**{name: name for name in (*self.key, *self.columns)}, **stamps}
        told = ", ".join(f"{name} = EXCLUDED.{name}" for name in (*self.columns, *stamps))
        statement = f"""
            INSERT INTO {self.table} ({", ".join(cells)})
            SELECT {", ".join(cells.values())} FROM ({self._statement}) differing
            ON CONFLICT ({", ".join(self.key)}) DO UPDATE SET {told}
        """  # noqa: S608 - our own words only
        connection.execute(sa.text(statement), {**_values(scope, among), "now": at})

    @property
    def _statement(self) -> str:
        pairs = [(f"coalesce(k.{name}, 0)", f"coalesce(c.{name}, 0)") for name in self.columns]
        beside = ", ".join(
            f"{kept} AS kept_{name}, {counted} AS {name}"
            for name, (kept, counted) in zip(self.columns, pairs, strict=True)
        )
        differ = " OR ".join(f"{kept} <> {counted}" for kept, counted in pairs)
        key = ", ".join(self.key)
        # Said of both sides: what is joined in full is not narrowed from outside.
        among = (
            f"CAST(:among AS {self.type}[]) IS NULL"
            f" OR {self.key[0]} = ANY(CAST(:among AS {self.type}[]))"
        )
        return (
            f"WITH counted AS (SELECT * FROM ({self.counted}) all_rows WHERE {among}),"  # noqa: S608 - our own words only
            f" narrowed AS (SELECT * FROM {self.table} WHERE {among})"
            f" SELECT {key}, {beside} FROM narrowed k FULL JOIN counted c USING ({key})"
            f" WHERE ({differ}) AND {self.kept} ORDER BY {key}"
        )


def _values(scope: Scope, among: Collection[Any] | None) -> dict[str, Any]:
    return {
        "fallbacks": list(scope.fallbacks),
        "since": scope.since,
        "sends_since": max(scope.since, scope.sends_since),
        "called_back": sorted(CALLED_BACK),
        "among": None if among is None else list(among),
    }


def counts(column: str, words: Sequence[str]) -> str:
    """Return a column for each word: how many rows have it."""
    return ", ".join(
        f"count(*) FILTER (WHERE {column} = '{word}') AS {word.lower()}" for word in words
    )


_STATUSES: Final = ("pending", "sending", "sent", "delivered", "read", "failed")
_RESULTS: Final = ("PENDING", "PROCESSING", "SUCCESS", "FAILED")

JOBS: Final = Counters(
    "job_progress",
    ("job_id",),
    _STATUSES,
    f"SELECT job_id, {counts('delivery_status', _STATUSES)} FROM messages"  # noqa: S608 - our own words only
    " WHERE job_id IS NOT NULL AND message_id <> ALL(CAST(:fallbacks AS text[])) GROUP BY job_id",
    kept="coalesce(k.updated_at >= :since, true) AND NOT EXISTS"
    " (SELECT FROM jobs j WHERE j.job_id = k.job_id AND j.created_at < :since)",
)
GROUP_SENDS: Final = Counters(
    "group_send_progress",
    ("task_id",),
    [word.lower() for word in _RESULTS],
    f"SELECT task_id, {counts('status', _RESULTS)} FROM t_group_send_result"  # noqa: S608 - our own words only
    " GROUP BY task_id",
    type="bigint",
)
# A day more of the history is read than is counted: it is by month of when a step was applied.
SENDS: Final = Counters(
    "sends_by_time",
    ("sender", "began_at"),
    ("accepted",),
    f"""
    SELECT m.channel || ':' || m.sender_id AS sender, count(*) AS accepted,
        date_bin('{STEP.total_seconds()} seconds', h.updated_at, TIMESTAMPTZ '2000-01-01 00:00+00')
            AS began_at
    FROM message_status_history h JOIN messages m USING (message_id)
    WHERE h.to_status = 'sent' AND m.channel = ANY(CAST(:called_back AS text[]))
        AND h.updated_at >= :sends_since
        AND h.recorded_at >= CAST(:sends_since AS timestamptz) - interval '1 day'
    GROUP BY 1, 3
    """,  # noqa: S608 - our own words only
    kept="began_at >= :sends_since",
    stamp=None,
)
ALL: Final = (JOBS, GROUP_SENDS, SENDS)
"""What the projector keeps; the tallies have a table of their own kind (store/tallies.py)."""


def scope_of(connection: sa.Connection, zone: ZoneInfo) -> Scope:
    """Return what can be counted of what is kept now."""
    # An hour later than the others' clocks may forget them.
    sends = step_of(now() - FORGOTTEN_AFTER + timedelta(hours=1))
    since = oldest_kept(connection, zone) or BEGINNING
    return Scope(since, _fallbacks(connection), sends)


_DROPPED = sa.text("SELECT max(until) FROM dropped_months WHERE partition LIKE 'messages%'")


def oldest_kept(connection: sa.Connection, zone: ZoneInfo) -> datetime | None:
    """Return a midnight since which nothing was dropped; None where nothing ever was.

    A day after the last drop's end: a message was sent before it was entered, but not days before.
    """
    until: datetime | None = connection.execute(_DROPPED).scalar()
    if until is None:
        return None
    return datetime(until.year, until.month, until.day + 1, tzinfo=zone)


_ATTEMPTS = sa.text(
    """
    SELECT message_id, original_message_id FROM messages
    WHERE job_id IS NOT NULL AND original_message_id IS NOT NULL
    """
)


def _fallbacks(connection: sa.Connection) -> list[str]:
    return [
        row.message_id
        for row in connection.execute(_ATTEMPTS)
        if is_fallback_of(row.message_id, row.original_message_id)
    ]
