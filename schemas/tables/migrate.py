"""Brings a database to the newest schema (IM-51) or back, also one that is being used (R15)."""

import os
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from psycopg2.errors import DeadlockDetected, LockNotAvailable
from sqlalchemy.exc import OperationalError

from schemas.tables.partitions import ensure_months

Apply = Callable[[sa.Connection, Config], None]

_LOCK = 7_311_854_022_671_043_587
"""Any number of ours: only one process migrates at a time."""


LOCKED_WITHIN: Final = timedelta(milliseconds=500)
"""Whoever waits for a table holds up all who come after: a version waits no longer for a lock. Less
than the second after which the server looks for deadlocks, and ends one side of each: ours ends."""
TRIES: Final = 30
PAUSE: Final = timedelta(seconds=1)


VERSIONS: Final = (Path(__file__).parent / "migrations" / "versions",)

_IN_USE: Final = (LockNotAvailable, DeadlockDetected)


def migrate(
    engine: sa.Engine, revision: str = "head", *, versions: Sequence[Path] = VERSIONS
) -> None:
    """Apply what is missing, in one transaction a version; safe to run twice and side by side."""

    def apply(connection: sa.Connection, config: Config) -> None:
        command.upgrade(config, revision)
        ensure_months(connection, datetime.now(UTC).date())

    _alone(engine, versions, apply)


def take_back(engine: sa.Engine, revision: str, *, versions: Sequence[Path] = VERSIONS) -> None:
    """Take back every version after this one, with what is in its tables and columns."""
    _alone(engine, versions, lambda _, config: command.downgrade(config, revision))


def _alone(engine: sa.Engine, versions: Sequence[Path], apply: Apply) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_locations", os.pathsep.join(map(str, versions)))
    with engine.connect() as connection:
        connection.execute(sa.text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
        connection.commit()
        try:
            config.attributes["connection"] = connection
            _patiently(connection, lambda: apply(connection, config))
        finally:
            connection.rollback()
            connection.execute(sa.text("RESET lock_timeout"))
            connection.execute(sa.text("SELECT pg_advisory_unlock(:lock)"), {"lock": _LOCK})
            connection.commit()


def _patiently(connection: sa.Connection, change: Callable[[], None]) -> None:
    """Change the tables; where a table is in use for long, let its users go first."""
    patience = int(LOCKED_WITHIN.total_seconds() * 1_000)
    connection.execute(sa.text(f"SET lock_timeout = {patience}"))
    connection.commit()
    for last in (number == TRIES for number in range(1, TRIES + 1)):
        try:
            change()
            connection.commit()
        except OperationalError as error:
            if last or not isinstance(error.orig, _IN_USE):
                raise
            connection.rollback()
            time.sleep(PAUSE.total_seconds())
        else:
            return
