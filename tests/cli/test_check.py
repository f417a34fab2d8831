"""`sendtrail check` finds every counter that differs from counting its rows (R3)."""

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from cli.app import app
from domain.identity import MessageId, message_id_for_fallback
from runtime.postgres import transaction
from schemas.topics.contents import GroupSendContent
from schemas.topics.send_requests import SendRequested
from tests.given import a_message_id, a_send_request
from tests.services.status_projector.facts import Projector
from tests.services.status_projector.scheduled import REFUSED, ScheduledJob, phone

pytestmark = pytest.mark.stack

GROUP_SEND = "7001"


@pytest.fixture
def job(database: sa.Engine) -> str:
    """Return a job that has one message and one row that was skipped; beside it a group send."""
    tables = "messages, message_tallies, job_progress, job_items, job_unsent"
    with transaction(database) as connection:
        connection.execute(
            sa.text(
                f"TRUNCATE {tables}, t_group_send_result, group_send_members, group_send_progress"
            )
        )
    scheduled, projector = ScheduledJob(database, [phone(1), REFUSED]), Projector(database)
    group_send = a_send_request(
        channel="wecom",
        job_id=GROUP_SEND,
        content=GroupSendContent(targets=("wm1", "wm2"), customer_ids=(1, 2), text="Hello"),
    )
    for request in [*scheduled.feed(), group_send]:
        projector.apply([projector.heard(request)])
    return scheduled.id


@pytest.mark.usefixtures("job")
def test_counters_that_equal_the_rows_are_confirmed(database_url: str) -> None:
    checked = sendtrail(database_url, "check")

    assert checked.output == "all counters equal counting their rows; jobs among them: 2\n"
    assert checked.exit_code == 0


@pytest.mark.parametrize(
    ("breaking", "difference"),
    [
        (
            "UPDATE job_progress SET pending = 0, read = 5 WHERE job_id = :job",
            ["job_progress", "JOB", "read", "5", "0"],
        ),
        ("DELETE FROM job_progress", ["job_progress", "JOB", "pending", "0", "1"]),
        ("UPDATE job_unsent SET skipped = 3", ["job_unsent", "JOB", "skipped", "3", "1"]),
        ("UPDATE job_unsent SET recalled = 1", ["job_unsent", "JOB", "recalled", "1", "0"]),
        ("DELETE FROM job_unsent", ["job_unsent", "JOB", "skipped", "0", "1"]),
        (
            "UPDATE job_items SET state = 'skipped'",
            ["job_unsent", "JOB", "skipped", "1", "2"],
        ),
        (
            "UPDATE group_send_progress SET success = 2",
            ["group_send_progress", GROUP_SEND, "success", "2", "0"],
        ),
        (
            "UPDATE t_group_send_result SET status = 'FAILED' WHERE customer_id = 1",
            ["group_send_progress", GROUP_SEND, "failed", "0", "1"],
        ),
    ],
)
def test_a_counter_that_differs_is_shown_beside_the_count(
    job: str, database: sa.Engine, database_url: str, breaking: str, difference: list[str]
) -> None:
    with transaction(database) as connection:
        connection.execute(sa.text(breaking), {"job": job})

    checked = sendtrail(database_url, "check")

    assert checked.exit_code == 1
    lines = checked.output.split("\n")
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines]
    assert [job if cell == "JOB" else cell for cell in difference] in rows


@pytest.mark.usefixtures("job")
def test_statistics_that_differ_are_shown_as_well(database: sa.Engine, database_url: str) -> None:
    with transaction(database) as connection:
        connection.execute(
            sa.text("UPDATE message_tallies SET read = 4 WHERE channel = 'whatsapp'")
        )

    checked = sendtrail(database_url, "check")

    assert checked.exit_code == 1
    assert "message_tallies" in checked.output


@pytest.mark.usefixtures("job")
def test_only_what_was_dropped_is_left_out_and_that_is_said(
    database: sa.Engine, database_url: str
) -> None:
    differs = "UPDATE message_tallies SET read = read + 1"
    with transaction(database) as connection:
        connection.execute(sa.text(differs))

    everything = sendtrail(database_url, "check")
    with transaction(database) as connection:
        connection.execute(
            sa.text(
                "INSERT INTO dropped_months VALUES"
                " ('messages_2026_03', date_trunc('month', now()) + interval '2 months', now())"
            )
        )
    bounded = sendtrail(database_url, "check")
    with transaction(database) as connection:
        connection.execute(sa.text("DELETE FROM dropped_months"))

    assert everything.exit_code == 1
    assert bounded.exit_code == 0
    assert "of messages and jobs only those since" in bounded.output


def test_what_is_sent_instead_of_a_jobs_message_counts_for_nothing(
    job: str, database: sa.Engine, database_url: str
) -> None:
    projector, original = Projector(database), MessageId(a_message_id())
    fallback: SendRequested = a_send_request(
        message_id=message_id_for_fallback(original), original_message_id=original, job_id=job
    )

    projector.apply([projector.heard(fallback)])

    assert sendtrail(database_url, "check").exit_code == 0


def sendtrail(database_url: str, *arguments: str) -> Result:
    """Run the command."""
    environment = {"DATABASE_URL": database_url, "COLUMNS": "160"}
    return CliRunner().invoke(app, arguments, env=environment)
