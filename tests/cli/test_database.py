"""`sendtrail migrate`, and what is told when there is no server."""

import pytest
from typer.testing import CliRunner, Result

from cli.app import app, main

pytestmark = pytest.mark.stack


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
