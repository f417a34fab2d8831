"""Brings a database to the newest schema (IM-51)."""

from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from schemas.tables.partitions import ensure_months

_LOCK = 7_311_854_022_671_043_587
"""Any number of ours: only one process migrates at a time."""


def migrate(engine: sa.Engine, revision: str = "head") -> None:
    """Apply what is missing, in one transaction a version; safe to run twice and side by side."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    with engine.connect() as connection:
        connection.execute(sa.text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
        connection.commit()
        try:
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
            ensure_months(connection, datetime.now(UTC).date())
            connection.commit()
        finally:
            connection.rollback()
            connection.execute(sa.text("SELECT pg_advisory_unlock(:lock)"), {"lock": _LOCK})
            connection.commit()
