"""`sendtrail check`: counts the rows, and compares with every counter that is kept (R3, BJ-05).

All of one moment, so it may run while the services do: what moves statuses moves counters with
them, in the same transaction.
"""

from collections.abc import Iterator, Sequence
from typing import Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
import typer
from rich.console import Console
from rich.table import Table

from runtime.daily_limits import DailyLimitSettings
from runtime.postgres import connect, transaction
from runtime.settings import DatabaseSettings, read
from services.status_projector.store import counting, tallies
from services.status_projector.store.counting import Difference, Scope

_UTC: Final = ZoneInfo("UTC")
_UNSENT: Final = counting.Counters(
    "job_unsent",
    ("job_id",),
    ("skipped", "cancelled", "recalled"),
    f"SELECT job_id, {counting.counts('state', ('skipped', 'cancelled'))},"  # noqa: S608 - our own words only
    " count(error_code) FILTER (WHERE state = 'cancelled') AS recalled"
    " FROM job_items WHERE state IN ('skipped', 'cancelled') GROUP BY job_id",
)
"""The scheduler's."""
ALL: Final = (*counting.ALL, _UNSENT)


class _Settings(DatabaseSettings, DailyLimitSettings):
    """What the command reads from the environment."""


def check() -> None:
    """Compare every counter with counting its rows; exit code 1 if one differs."""
    settings = read(_Settings)
    engine = connect(settings.database_url.get_secret_value(), pool=1)
    found = differences(engine, settings.zone)
    with transaction(engine) as connection:
        jobs = connection.execute(sa.text("SELECT count(*) FROM job_progress")).scalar_one()
        since = counting.oldest_kept(connection, settings.zone)
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
        scope = counting.scope_of(connection, zone)
        found = [one for counters in ALL for one in counters.differences(connection, scope)]
        return found + list(_of_tallies(connection, scope, zone))


def _of_tallies(connection: sa.Connection, scope: Scope, zone: ZoneInfo) -> Iterator[Difference]:
    for one in tallies.differences(connection, scope.since, counting.ALL_TIME, zone):
        group = " ".join(str(part) for part in one.group)
        for name, kept in one.kept.items():
            if kept != one.counted[name]:
                yield Difference("message_tallies", group, name, kept, one.counted[name])


def _table(found: Sequence[Difference]) -> Table:
    table = Table("table", "of", "counter", "kept", "counted")
    for one in found:
        table.add_row(one.what, one.id, one.counter, str(one.kept), str(one.counted))
    return table
