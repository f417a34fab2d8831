"""`sendtrail migrate`: brings the tables up to date."""

import sqlalchemy as sa

from runtime.postgres import connect
from runtime.settings import DatabaseSettings, read
from schemas.tables.migrate import migrate as bring_up_to_date


def migrate() -> None:
    """Bring the database at DATABASE_URL to the newest schema; harmless to repeat."""
    engine = _engine()
    bring_up_to_date(engine)
    engine.dispose()
    print("the database is up to date")


def _engine() -> sa.Engine:
    return connect(read(DatabaseSettings).database_url.get_secret_value(), pool=1)
