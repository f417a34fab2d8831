"""`sendtrail migrate` and `check`: brings the tables up to date, and checks their sums."""

from collections.abc import Sequence

import sqlalchemy as sa
import typer
from rich.console import Console
from rich.table import Table

from runtime.postgres import connect, transaction
from runtime.settings import DatabaseSettings, read
from schemas.tables.migrate import migrate as bring_up_to_date

STATUSES = ("pending", "sending", "sent", "delivered", "read", "failed")

_COUNTED = ", ".join(
    f"count(*) FILTER (WHERE delivery_status = '{status}') AS {status}" for status in STATUSES
)
_BESIDE = ", ".join(f"coalesce(p.{s}, 0) AS kept_{s}, coalesce(c.{s}, 0) AS {s}" for s in STATUSES)
_DIFFER = " OR ".join(f"coalesce(p.{s}, 0) <> coalesce(c.{s}, 0)" for s in STATUSES)

# One statement, so both sides are of the same moment, whatever the projector does meanwhile.
WRONG_COUNTERS = sa.text(
    f"WITH counted AS (SELECT job_id, {_COUNTED} FROM messages WHERE job_id IS NOT NULL"  # noqa: S608 - our own words only
    f" GROUP BY job_id) SELECT job_id, {_BESIDE} FROM job_progress p"
    f" FULL JOIN counted c USING (job_id) WHERE {_DIFFER} ORDER BY job_id"
)
"""Jobs whose kept counters differ from counting their messages: both sides of every status."""


def migrate() -> None:
    """Bring the database at DATABASE_URL to the newest schema; harmless to repeat."""
    engine = _engine()
    bring_up_to_date(engine)
    engine.dispose()
    print("the database is up to date")


def check() -> None:
    """Compare each job's counters with counting its messages; exit code 1 if they differ."""
    engine = _engine()
    with transaction(engine) as connection:
        wrong = connection.execute(WRONG_COUNTERS).mappings().all()
        jobs = connection.execute(sa.text("SELECT count(*) FROM job_progress")).scalar_one()
    engine.dispose()
    if wrong:
        Console().print(_table(wrong))
        raise typer.Exit(1)
    print(f"the counters of {jobs} jobs equal counting their messages")


def _table(wrong: Sequence[sa.RowMapping]) -> Table:
    table = Table("job", "status", "counter", "messages")
    for row in wrong:
        for status in STATUSES:
            if row[f"kept_{status}"] != row[status]:
                table.add_row(row["job_id"], status, str(row[f"kept_{status}"]), str(row[status]))
    return table


def _engine() -> sa.Engine:
    return connect(read(DatabaseSettings).database_url.get_secret_value(), pool=1)
