"""`sendtrail senders`: what an account may do is shown, and can be changed by hand (LM-02)."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from cli.app import app
from services.dispatcher.store import senders

pytestmark = pytest.mark.stack


@pytest.fixture
def known(database: sa.Engine) -> str:
    """Return a sender that is halted, with ten messages admitted today."""
    now = datetime.now(UTC)
    sender = "whatsapp:106540352242922"
    with database.begin() as connection:
        connection.execute(sa.text("DELETE FROM senders"))
        senders.enter(connection, [sender])
        scope = f"sender:{sender}"
        senders.lock_counts(connection, [scope], now.date())
        senders.set_counts(connection, {scope: 10}, now.date())
        connection.execute(
            sa.text(
                "UPDATE senders SET halted_at = now(), halted_for = '190 token', probe_at = now()"
            )
        )
    return sender


def test_the_list_shows_use_limit_and_why_a_sender_is_halted(known: str, database_url: str) -> None:
    listed = sendtrail(database_url, "senders", "list")

    assert listed.exit_code == 0
    line = next(line for line in listed.output.splitlines() if known in line)
    assert "190 token" in line
    assert [cell.strip() for cell in line.split("│")][3:5] == ["10", "1000"]


def test_a_halted_sender_is_resumed_by_hand_once(known: str, database_url: str) -> None:
    first = sendtrail(database_url, "senders", "resume", known)
    again = sendtrail(database_url, "senders", "resume", known)

    assert first.output == f"{known} sends again\n"
    assert again.output == f"{known} was neither halted nor held\n"


@pytest.mark.parametrize(("given", "shown"), [(("250",), "250"), ((), "none")])
def test_a_sender_gets_a_limit_of_its_own_or_none(
    known: str, database_url: str, given: tuple[str, ...], shown: str
) -> None:
    sendtrail(database_url, "senders", "limit", known, *given)
    listed = sendtrail(database_url, "senders", "list")

    line = next(line for line in listed.output.splitlines() if known in line)
    assert [cell.strip() for cell in line.split("│")][4] == shown


def test_a_sender_gets_a_rate_of_its_own_or_its_channels(known: str, database_url: str) -> None:
    said = sendtrail(database_url, "senders", "rate", known, "12.5")
    listed = sendtrail(database_url, "senders", "list")
    back = sendtrail(database_url, "senders", "rate", known)

    assert said.output == f"{known} sends 12.5 a second\n"
    line = next(line for line in listed.output.splitlines() if known in line)
    assert [cell.strip() for cell in line.split("│")][5] == "12.5"
    assert back.output == f"{known} sends as fast as its channel may\n"


@pytest.mark.parametrize("command", ["limit", "rate"])
def test_a_sender_that_nobody_knows_is_refused_unless_it_is_said_to_be_new(
    known: str, database_url: str, command: str
) -> None:
    stranger = known + "0"
    refused = sendtrail(database_url, "senders", command, stranger, "5")
    entered = sendtrail(database_url, "senders", command, stranger, "5", "--new")
    nameless = sendtrail(database_url, "senders", command, "5551234", "5", "--new")

    assert (refused.exit_code, entered.exit_code, nameless.exit_code) == (2, 0, 2)
    assert f"there is no sender '{stranger}'" in refused.output


def sendtrail(database_url: str, *arguments: str) -> Result:
    """Run the command with its settings from an environment of its own."""
    environment = {"DATABASE_URL": database_url, "COLUMNS": "300", "APP_TIMEZONE": "UTC"}
    return CliRunner(env=environment).invoke(app, list(arguments))
