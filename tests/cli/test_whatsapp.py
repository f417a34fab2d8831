"""`sendtrail whatsapp read` and `templates`."""

from collections.abc import Callable

import pytest
from typer.testing import CliRunner, Result

from cli.app import app
from tests.given import SENDER
from tests.simulators import RunningSimulator

pytestmark = pytest.mark.stack


@pytest.fixture
def provider(simulator: Callable[..., RunningSimulator]) -> RunningSimulator:
    return simulator(SIM_PROFILE="perfect")


def test_a_message_is_marked_as_read(provider: RunningSimulator) -> None:
    told = provider.provider.order("/inbound", {"from": "16505550001", "text": "Is it ready?"})

    marked = sendtrail(provider.environment, "read", SENDER, told["id"], "--typing")

    assert (marked.exit_code, marked.output) == (0, "marked as read\n")


def test_a_message_that_nobody_wrote_cannot_be_marked(provider: RunningSimulator) -> None:
    marked = sendtrail(provider.environment, "read", SENDER, "wamid.of.nobody")

    assert marked.exit_code == 1
    assert marked.output.startswith("not marked as read: ")
    assert "131009" in marked.output


def test_the_templates_are_listed_as_they_are(database_url: str) -> None:
    listed = sendtrail({"DATABASE_URL": database_url}, "templates")

    assert listed.exit_code == 0
    row = table_of(listed)["order_status_update"]
    assert row[:3] + row[4:] == ["en", "yes", "order_update", "", "1, 2"]


def test_the_templates_are_compared_with_the_providers_where_that_is_asked(
    provider: RunningSimulator, database_url: str
) -> None:
    provider.provider.put_template(
        {"name": "sale", "body": "For {{1}}", "parameters": ["1"], "header": "IMAGE"}
        | {"status": "PAUSED", "category": "MARKETING"}
    )

    listed = sendtrail(provider.environment | {"DATABASE_URL": database_url}, "templates", "--sync")

    assert listed.exit_code == 0
    assert "3 templates changed" in listed.output
    assert table_of(listed)["sale"] == ["en", "no", "marketing", "PAUSED", "image", "1"]


def table_of(listed: Result) -> dict[str, list[str]]:
    lines = [line.split("│")[1:-1] for line in listed.output.split("\n") if "│" in line]
    return {cells[0].strip(): [cell.strip() for cell in cells[1:]] for cells in lines}


def sendtrail(environment: dict[str, str], *arguments: str) -> Result:
    wide = {"COLUMNS": "160"}
    return CliRunner().invoke(app, ["whatsapp", *arguments], env=environment | wide)
