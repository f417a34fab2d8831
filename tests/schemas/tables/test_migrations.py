import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest
import sqlalchemy as sa
from alembic import autogenerate, command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import IntegrityError

from schemas import tables
from schemas.tables import METADATA
from schemas.tables.migrate import LOCKED_WITHIN, migrate
from schemas.tables.partitions import MONTHS_AHEAD, ensure_months

pytestmark = pytest.mark.stack

for module in iter_modules(tables.__path__, "schemas.tables."):
    if not module.ispkg:  # importing them fills METADATA
        import_module(module.name)
_A_MONTHS_PARTITION = re.compile(r"_\d{4}_\d{2}$")
MIGRATIONS = Path(tables.__file__).with_name("migrations")


@pytest.fixture
def empty(database: sa.Engine) -> sa.Engine:
    """Return a database without a single table."""
    with database.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
    return database


@pytest.fixture
def migrated(empty: sa.Engine) -> sa.Engine:
    """Return a database with the newest schema."""
    migrate(empty)
    return empty


def test_migrating_a_second_time_changes_nothing(empty: sa.Engine) -> None:
    migrate(empty)
    first = _catalogue(empty)

    migrate(empty)

    assert _catalogue(empty) == first
    assert set(METADATA.tables) <= set(first)


def test_processes_that_migrate_side_by_side_do_not_disturb_each_other(empty: sa.Engine) -> None:
    with ThreadPoolExecutor() as threads:
        for done in [threads.submit(migrate, empty) for _ in range(3)]:
            done.result()

    assert set(METADATA.tables) <= set(_catalogue(empty))


def test_a_migration_lets_who_uses_a_table_go_first(migrated: sa.Engine) -> None:
    """A reader holds a table for longer than a version waits; another reader is not held up."""
    with migrated.connect() as connection:
        command.downgrade(_config(connection), "-1")
        connection.commit()
    read = sa.text("SELECT count(*) FROM alembic_version")
    with ThreadPoolExecutor(1) as threads, migrated.connect() as user:
        user.execute(read)
        user.execute(sa.text("LOCK TABLE alembic_version IN SHARE MODE"))
        migrating = threads.submit(migrate, migrated)

        with pytest.raises(TimeoutError):
            migrating.result(LOCKED_WITHIN.total_seconds() * 1.5)
        with migrated.connect() as other:
            assert other.execute(read).scalar_one() == 1
        user.rollback()
        migrating.result()

    assert set(METADATA.tables) <= set(_catalogue(migrated))


def test_the_migrated_database_is_what_the_tables_say(migrated: sa.Engine) -> None:
    with migrated.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"include_object": _is_ours, "compare_type": True},
        )

        differences = autogenerate.compare_metadata(context, METADATA)

    assert differences == []


def test_every_version_can_be_taken_back(migrated: sa.Engine) -> None:
    with migrated.connect() as connection:
        command.downgrade(_config(connection), "base")
        connection.commit()

    assert set(_catalogue(migrated)) == {"alembic_version"}


def test_alembic_on_its_own_says_which_command_to_use() -> None:
    with pytest.raises(TypeError, match="python -m cli migrate"):
        command.upgrade(_config(None), "head")


@pytest.mark.parametrize(
    ("today", "months"),
    [
        (date(2031, 1, 1), ["2030_12", "2031_01", "2031_02", "2031_03", "2031_04"]),
        (date(2032, 11, 30), ["2032_10", "2032_11", "2032_12", "2033_01", "2033_02"]),
        (date(2034, 12, 31), ["2034_11", "2034_12", "2035_01", "2035_02", "2035_03"]),
    ],
)
def test_the_months_around_today_have_partitions_over_the_turn_of_the_year(
    migrated: sa.Engine, today: date, months: list[str]
) -> None:
    before = set(_catalogue(migrated))

    with migrated.begin() as connection:
        ensure_months(connection, today)
        ensure_months(connection, today)

    made = set(_catalogue(migrated)) - before
    tables = ("message_facts", "message_status_history", "messages")
    assert sorted(made) == [f"{table}_{month}" for table in tables for month in months]
    assert len(months) == MONTHS_AHEAD + 2


def test_a_history_row_goes_to_its_month_and_without_one_is_refused(migrated: sa.Engine) -> None:
    insert = _history_row(migrated)

    insert("2031-01-01T00:00:00Z", with_months_of=date(2031, 1, 1))

    with migrated.connect() as connection:
        held = connection.execute(
            sa.text("SELECT CAST(CAST(tableoid AS regclass) AS text) FROM message_status_history")
        )
        assert held.scalars().all() == ["message_status_history_2031_01"]
    with pytest.raises(IntegrityError, match="no partition"):
        insert("2077-01-01T00:00:00Z", with_months_of=date(2031, 1, 1))


def test_steps_of_jobs_that_were_not_announced_are_announced_after_the_migration(
    empty: sa.Engine,
) -> None:
    versions = ScriptDirectory.from_config(_config(None)).walk_revisions()
    pauses = next(one for one in versions if (one.doc or "").startswith("Jobs are paused"))
    jobs = [
        ("new", "pending", None, False, False),
        ("begun", "running", "pending", True, False),
        ("told", "running", "running", True, False),
        ("ended", "completed", "running", True, True),
        ("given-up", "cancelled", None, False, True),
    ]
    insert = sa.text(
        "INSERT INTO jobs (job_id, channel, sender_id, content, status, announced, total,"
        " created_at, started_at, finished_at) VALUES (:id, 'whatsapp', '1', '{}', :status,"
        " :announced, 1, now(), CASE WHEN :begun THEN now() END, CASE WHEN :ended THEN now() END)"
    )
    names = ("id", "status", "announced", "begun", "ended")
    with empty.connect() as connection:
        command.upgrade(_config(connection), str(pauses.down_revision))
        connection.execute(insert, [dict(zip(names, job, strict=True)) for job in jobs])

        command.upgrade(_config(connection), pauses.revision)

        changes = connection.execute(
            sa.text("SELECT job_id, number, from_status, to_status FROM job_changes ORDER BY 1, 2")
        )
        assert [tuple(change) for change in changes] == [
            ("begun", 2, "pending", "running"),
            ("ended", 3, "running", "completed"),
            ("given-up", 1, None, "pending"),
            ("given-up", 2, "pending", "cancelled"),
            ("new", 1, None, "pending"),
        ]
        numbers = connection.execute(sa.text("SELECT changes FROM jobs ORDER BY job_id"))
        assert numbers.scalars().all() == [2, 3, 2, 1, 2]


def _history_row(engine: sa.Engine) -> Callable[..., None]:
    def insert(recorded_at: str, *, with_months_of: date) -> None:
        with engine.begin() as connection:
            ensure_months(connection, with_months_of)
            connection.execute(
                sa.text(
                    "INSERT INTO message_status_history VALUES ('m', 1, :at, 'pending', 'sending',"
                    " :at, 'manual', 'send-requests', 0, 0, '')"
                ),
                {"at": recorded_at},
            )

    return insert


def _catalogue(engine: sa.Engine) -> dict[str, list[str]]:
    inspector = sa.inspect(engine)
    return {
        table: sorted(column["name"] for column in inspector.get_columns(table))
        for table in inspector.get_table_names()
    }


def _is_ours(_: object, name: str | None, kind: str, *_rest: object) -> bool:
    return not (kind == "table" and _A_MONTHS_PARTITION.search(name or ""))


def _config(connection: sa.Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config
