"""COPY goes past SQLAlchemy: what it stores, and that its errors are ours all the same."""

from collections.abc import Generator

import pytest
import sqlalchemy as sa

from domain.identity import JobId, message_id_for_row
from runtime.errors import DatabaseAway
from runtime.postgres import connect, transaction
from services.scheduler.store import rows
from services.scheduler.store.rows import NewRow, WaitingRow

pytestmark = pytest.mark.stack

JOB = JobId("0f3c")
ODD = ["", '"', "\\N", "\\.", "a,b", "line\nbreak", "tab\t", "\r\n", "ünï👋", "'"]


@pytest.fixture
def engine(database_url: str) -> Generator[sa.Engine]:
    made = connect(database_url)
    yield made
    made.dispose()


def new_rows(count: int) -> list[NewRow]:
    return [NewRow(n, message_id_for_row(JOB, n), "+1", "{}", None) for n in range(1, count + 1)]


def test_every_text_comes_back_as_it_was_given(engine: sa.Engine) -> None:
    given = [row._replace(recipient=odd) for row, odd in zip(new_rows(10), ODD, strict=True)]

    with engine.connect() as connection:
        rows.copy(connection, JOB, given)
        kept = rows.waiting(connection, JOB, limit=100)

    assert kept == [WaitingRow(row.row, row.message_id, row.recipient, {}) for row in given]


def test_a_connection_that_broke_is_a_database_that_is_away(engine: sa.Engine) -> None:
    with pytest.raises(DatabaseAway):
        copy_while_the_connection_breaks(engine)


def copy_while_the_connection_breaks(engine: sa.Engine) -> None:
    """Have the server end the session before the rows come."""
    with transaction(engine) as connection:
        backend = connection.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
        with engine.begin() as other:
            other.execute(sa.text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": backend})
        rows.copy(connection, JOB, new_rows(3))
