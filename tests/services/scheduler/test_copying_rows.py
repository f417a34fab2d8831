"""COPY goes past SQLAlchemy: what it stores, and that its errors are ours all the same."""

from collections.abc import Generator

import pytest
import sqlalchemy as sa

from domain.identity import JobId, message_id_for_row
from runtime.errors import DatabaseAway
from runtime.postgres import connect, transaction
from runtime.vault import forget
from schemas.sealed import JobRow
from schemas.topics.task_changes import JobStatus
from services.scheduler.store import rows
from services.scheduler.store.jobs import Job
from services.scheduler.store.rows import NewRow, WaitingRow
from tests.given import NOON
from tests.vaults import the_vault

pytestmark = pytest.mark.stack

JOB = JobId("0f3c")
A_JOB = Job(
    job_id=JOB,
    tenant_id=None,
    channel="whatsapp",
    sender_id="1",
    content={},
    priority="medium",
    when_limited="fail",
    expires_at=None,
    status=JobStatus.PENDING,
    created_at=NOON,
)
VAULT = the_vault()
ODD = ["", '"', "\\N", "\\.", "a,b", "line\nbreak", "tab\t", "\r\n", "ünï👋", "'"]


@pytest.fixture
def engine(database_url: str) -> Generator[sa.Engine]:
    made = connect(database_url)
    yield made
    made.dispose()


def new_rows(count: int) -> list[NewRow]:
    who = JobRow("+1", {})
    return [NewRow(n, message_id_for_row(JOB, n), who, None) for n in range(1, count + 1)]


def test_every_text_comes_back_as_it_was_given(engine: sa.Engine) -> None:
    given = [
        row._replace(who=JobRow(odd, {odd: odd}))
        for row, odd in zip(new_rows(10), ODD, strict=True)
    ]

    with engine.connect() as connection:
        rows.insert(connection, VAULT, A_JOB, given)
        kept = rows.waiting(connection, VAULT, JOB, limit=100)

    assert kept == [WaitingRow(row.row, row.message_id, row.who) for row in given]


def test_whom_we_have_forgotten_no_row_names(engine: sa.Engine) -> None:
    ada, bob = (
        row._replace(who=JobRow(name, {})) for row, name in zip(new_rows(2), "ab", strict=True)
    )

    with engine.connect() as connection:
        rows.insert(connection, VAULT, A_JOB, [ada, bob])
        forget(connection, VAULT.person("whatsapp", "a"))
        kept = rows.waiting(connection, VAULT, JOB, limit=100)

    assert [row.who for row in kept] == [None, bob.who]


def test_a_connection_that_broke_is_a_database_that_is_away(engine: sa.Engine) -> None:
    with pytest.raises(DatabaseAway):
        copy_while_the_connection_breaks(engine)


def copy_while_the_connection_breaks(engine: sa.Engine) -> None:
    """Have the server end the session before the rows come."""
    with transaction(engine) as connection:
        backend = connection.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
        with engine.begin() as other:
            other.execute(sa.text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": backend})
        rows.insert(connection, VAULT, A_JOB, new_rows(3))
