"""Brings a database to the newest schema (IM-51), also one that is being used."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from psycopg2.errors import LockNotAvailable
from sqlalchemy.exc import OperationalError

from schemas.tables.partitions import ensure_months

_LOCK = 7_311_854_022_671_043_587
"""Any number of ours: only one process migrates at a time."""


LOCKED_WITHIN: Final = timedelta(seconds=2)
"""Whoever waits for a table holds up all who come after: a version waits no longer for a lock."""
TRIES: Final = 30
PAUSE: Final = timedelta(seconds=1)


def migrate(engine: sa.Engine, revision: str = "head") -> None:
    """Apply what is missing, in one transaction a version; safe to run twice and side by side."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    with engine.connect() as connection:
        connection.execute(sa.text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
        connection.commit()
        try:
            config.attributes["connection"] = connection
            _patiently(connection, config, revision)
        finally:
            connection.rollback()
            connection.execute(sa.text("RESET lock_timeout"))
            connection.execute(sa.text("SELECT pg_advisory_unlock(:lock)"), {"lock": _LOCK})
            connection.commit()


def _patiently(connection: sa.Connection, config: Config, revision: str) -> None:
    """Apply what is missing; where a table is in use for long, let its users go first."""
    patience = int(LOCKED_WITHIN.total_seconds() * 1_000)
    connection.execute(sa.text(f"SET lock_timeout = {patience}"))
    connection.commit()
    for last in (number == TRIES for number in range(1, TRIES + 1)):
        try:
            command.upgrade(config, revision)
            ensure_months(connection, datetime.now(UTC).date())
            connection.commit()
        except OperationalError as error:
            if last or not isinstance(error.orig, LockNotAvailable):
                raise
            connection.rollback()
            time.sleep(PAUSE.total_seconds())
        else:
            return
