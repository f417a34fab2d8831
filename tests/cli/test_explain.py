"""`sendtrail explain`: everything that is known of one message, on the terminal (IM-53)."""

import json

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from cli.app import app
from tests.services.status_projector.facts import Life, Projector

pytestmark = pytest.mark.stack


def explain(database_url: str, *arguments: str) -> Result:
    settings = {"DATABASE_URL": database_url, "MESSAGE_PRICES": '{"text": "0.25"}'}
    return CliRunner().invoke(app, ["explain", *arguments], env=settings)


def test_a_message_is_explained_with_its_steps_and_what_it_cost(
    database: sa.Engine, database_url: str
) -> None:
    life, projector = Life(), Projector(database)
    said = [life.request(agent_id="ada"), life.started(), life.accepted()]
    projector.apply([projector.heard(record) for record in said])

    words = explain(database_url, life.message_id)
    answer = explain(database_url, life.message_id, "--json")

    assert (words.exit_code, answer.exit_code) == (0, 0), words.output
    assert words.output.startswith(f"{life.message_id}: sent (")
    assert "0.25 USD, no category, charge unknown" in words.output
    assert "agent        ada" in words.output
    assert "sending → sent" in words.output
    told = json.loads(answer.output)
    assert (told["messageId"], told["status"]) == (life.message_id, "sent")
    assert told["cost"]["amount"] == 0.25
    assert len(told["steps"]) == 3


def test_why_it_failed_comes_with_what_to_do(database: sa.Engine, database_url: str) -> None:
    life, projector = Life(), Projector(database)
    said = [life.request(), life.started(), life.rejected()]
    projector.apply([projector.heard(record) for record in said])

    told = explain(database_url, life.message_id)

    assert told.exit_code == 0
    assert "What to do: " in told.output
    assert "nothing yet" in told.output


@pytest.mark.usefixtures("database")
def test_a_message_that_nobody_knows_is_an_error(database_url: str) -> None:
    told = explain(database_url, "msg_nobody")

    assert told.exit_code != 0
