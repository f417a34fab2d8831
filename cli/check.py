"""`sendtrail check`: counts the rows, and compares with every counter that is kept (R3, BJ-05).

All of one moment, so it may run while the services do: what moves statuses moves counters with
them, in the same transaction.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
import typer
from rich.console import Console
from rich.table import Table

from domain.identity import is_fallback_of
from runtime.daily_limits import DailyLimitSettings
from runtime.postgres import connect, transaction
from runtime.settings import DatabaseSettings, read
from services.status_projector.store import tallies

_UTC: Final = ZoneInfo("UTC")
_BEGINNING: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Before anybody counted."""
_ALL_TIME: Final = datetime(3000, 1, 1, tzinfo=UTC)


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


@dataclass(frozen=True, slots=True)
class Counters:
    """A table of counters, and what they count."""

    table: str
    id: str
    """Its key."""
    columns: Sequence[str]
    counted: str
    """A query for the same columns, from the rows that are counted."""
    kept: str = "true"
    """Which rows of the table are compared."""

    def differences(self, connection: sa.Connection, scope: Scope) -> Iterator[Difference]:
        """Yield the counters that differ; one that is missing counts as 0."""
        values = {"fallbacks": list(scope.fallbacks), "since": scope.since}
        for row in connection.execute(self._statement, values).mappings():
            for name in self.columns:
                if row[f"kept_{name}"] != row[name]:
                    kept, counted = row[f"kept_{name}"], row[name]
                    yield Difference(self.table, str(row[self.id]), name, kept, counted)

    @property
    def _statement(self) -> sa.TextClause:
        pairs = [(f"coalesce(k.{name}, 0)", f"coalesce(c.{name}, 0)") for name in self.columns]
        beside = ", ".join(
            f"{kept} AS kept_{name}, {counted} AS {name}"
            for name, (kept, counted) in zip(self.columns, pairs, strict=True)
        )
        differ = " OR ".join(f"{kept} <> {counted}" for kept, counted in pairs)
        return sa.text(
            f"WITH counted AS ({self.counted})"  # noqa: S608 - our own words only
            f" SELECT {self.id}, {beside} FROM {self.table} k"
            f" FULL JOIN counted c USING ({self.id})"
            f" WHERE ({differ}) AND {self.kept} ORDER BY {self.id}"
        )


def _counts(column: str, words: Sequence[str]) -> str:
    """Return a column for each word: how many rows have it."""
    return ", ".join(
        f"count(*) FILTER (WHERE {column} = '{word}') AS {word.lower()}" for word in words
    )


_STATUSES: Final = ("pending", "sending", "sent", "delivered", "read", "failed")
_RESULTS: Final = ("PENDING", "PROCESSING", "SUCCESS", "FAILED")
_OF_JOBS: Final = (
    f"SELECT job_id, {_counts('delivery_status', _STATUSES)} FROM messages"  # noqa: S608
    " WHERE job_id IS NOT NULL AND message_id <> ALL(CAST(:fallbacks AS text[])) GROUP BY job_id"
)
ALL: Final = (
    Counters(
        "job_progress",
        "job_id",
        _STATUSES,
        _OF_JOBS,
        kept="coalesce(k.updated_at >= :since, true) AND NOT EXISTS"
        " (SELECT FROM jobs j WHERE j.job_id = k.job_id AND j.created_at < :since)",
    ),
    Counters(
        "job_unsent",
        "job_id",
        ("skipped", "cancelled", "recalled"),
        f"SELECT job_id, {_counts('state', ('skipped', 'cancelled'))},"  # noqa: S608
        " count(error_code) FILTER (WHERE state = 'cancelled') AS recalled"
        " FROM job_items WHERE state IN ('skipped', 'cancelled') GROUP BY job_id",
    ),
    Counters(
        "group_send_progress",
        "task_id",
        [word.lower() for word in _RESULTS],
        f"SELECT task_id, {_counts('status', _RESULTS)} FROM t_group_send_result"  # noqa: S608
        " GROUP BY task_id",
    ),
)


class _Settings(DatabaseSettings, DailyLimitSettings):
    """What the command reads from the environment."""


def check() -> None:
    """Compare every counter with counting its rows; exit code 1 if one differs."""
    settings = read(_Settings)
    engine = connect(settings.database_url.get_secret_value(), pool=1)
    found = differences(engine, settings.zone)
    with transaction(engine) as connection:
        jobs = connection.execute(sa.text("SELECT count(*) FROM job_progress")).scalar_one()
        since = _oldest_kept(connection, settings.zone)
    engine.dispose()
    bound = "" if since is None else f"; of messages and jobs only those since {since:%F}"
    if found:
        Console().print(_table(found))
        raise typer.Exit(1)
    print(f"all counters equal counting their rows; jobs among them: {jobs}{bound}")


def differences(engine: sa.Engine, zone: ZoneInfo = _UTC) -> list[Difference]:
    """Return every counter that differs, all as of one moment; statistics' days are the zone's."""
    with transaction(engine.execution_options(isolation_level="REPEATABLE READ")) as connection:
        # Counting everything takes as long as it takes.
        connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
        scope = Scope(_oldest_kept(connection, zone) or _BEGINNING, _fallbacks(connection))
        found = [one for counters in ALL for one in counters.differences(connection, scope)]
        return found + list(_of_tallies(connection, scope, zone))


def _of_tallies(connection: sa.Connection, scope: Scope, zone: ZoneInfo) -> Iterator[Difference]:
    for one in tallies.differences(connection, scope.since, _ALL_TIME, zone):
        group = " ".join(str(part) for part in one.group)
        for name, kept in one.kept.items():
            if kept != one.counted[name]:
                yield Difference("message_tallies", group, name, kept, one.counted[name])


_DROPPED = sa.text("SELECT max(until) FROM dropped_months WHERE partition LIKE 'messages%'")


def _oldest_kept(connection: sa.Connection, zone: ZoneInfo) -> datetime | None:
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


def _table(found: Sequence[Difference]) -> Table:
    table = Table("table", "of", "counter", "kept", "counted")
    for one in found:
        table.add_row(one.what, one.id, one.counter, str(one.kept), str(one.counted))
    return table
