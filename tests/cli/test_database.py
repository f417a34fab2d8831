"""`sendtrail migrate` and `check`."""

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from cli.app import app, main

pytestmark = pytest.mark.stack


@pytest.fixture
def job(database: sa.Engine) -> sa.Engine:
    """Return a database with one job of one read message, counted right."""
    with database.begin() as connection:
        connection.execute(sa.text("TRUNCATE messages, job_progress"))
        connection.execute(
            sa.text(
                "INSERT INTO messages (message_id, channel, sender_id, person,"
                " conversation_id, message_type, message_direction, delivery_status, sent_at,"
                " job_id, created_at, updated_at) VALUES ('m-1', 'whatsapp', '1', '', '', 'text',"
                " 'outbound', 'read', now(), 'job-1', now(), now())"
            )
        )
        connection.execute(
            sa.text(
                "INSERT INTO job_progress (job_id, read, updated_at) VALUES ('job-1', 1, now())"
            )
        )
    return database


@pytest.mark.usefixtures("job")
def test_counters_that_equal_the_rows_are_confirmed(database_url: str) -> None:
    checked = sendtrail(database_url, "check")

    assert checked.exit_code == 0
    assert "1 jobs" in checked.output


def test_a_counter_that_differs_is_shown_beside_the_count(
    job: sa.Engine, database_url: str
) -> None:
    with job.begin() as connection:
        connection.execute(sa.text("UPDATE job_progress SET read = 0, sent = 5"))

    checked = sendtrail(database_url, "check")

    assert checked.exit_code == 1
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in checked.output.split("\n")]
    assert ["job-1", "sent", "5", "0"] in rows
    assert ["job-1", "read", "0", "1"] in rows


def test_a_job_without_counters_differs_as_well(job: sa.Engine, database_url: str) -> None:
    with job.begin() as connection:
        connection.execute(sa.text("DELETE FROM job_progress"))

    assert sendtrail(database_url, "check").exit_code == 1


def test_migrating_twice_is_harmless(database_url: str) -> None:
    assert sendtrail(database_url, "migrate").exit_code == 0
    assert sendtrail(database_url, "migrate").exit_code == 0


def test_a_server_that_is_away_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql+psycopg2://postgres@127.0.0.1:1/sendtrail")
    monkeypatch.setattr("sys.argv", ["sendtrail", "check"])

    assert main() == 1
    assert capsys.readouterr().err == (
        "sendtrail: PostgreSQL does not answer; DATABASE_URL says where it is expected\n"
    )


def sendtrail(database_url: str, *arguments: str) -> Result:
    environment = {"DATABASE_URL": database_url, "COLUMNS": "120"}
    return CliRunner().invoke(app, arguments, env=environment)
