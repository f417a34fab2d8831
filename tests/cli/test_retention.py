"""`sendtrail retention` keeps everything as long as the services do (SE-02)."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from cli.app import app
from runtime.postgres import transaction

pytestmark = pytest.mark.stack


@pytest.mark.parametrize(
    ("arguments", "retention", "is_kept"),
    [((), "P730D", True), ((), "P365D", False), (("--days", "365"), "P730D", False)],
)
def test_what_is_old_follows_the_setting_unless_days_are_given(
    database: sa.Engine,
    database_url: str,
    tmp_path: Path,
    arguments: tuple[str, ...],
    retention: str,
    is_kept: bool,  # noqa: FBT001 - a case of the table
) -> None:
    with transaction(database) as connection:
        connection.execute(sa.text("TRUNCATE contact_windows"))
        connection.execute(
            sa.text(
                "INSERT INTO contact_windows (channel, sender_id, person, last_inbound_at)"
                " VALUES ('whatsapp', '1', '\\x00', now() - interval '500 days')"
            )
        )

    ended = CliRunner().invoke(
        app,
        ["retention", *arguments],
        env={
            "DATABASE_URL": database_url,
            "MEDIA_STORE_URL": tmp_path.as_uri(),
            "MESSAGE_RETENTION": retention,
        },
    )

    assert ended.exit_code == 0, ended.output
    with transaction(database) as connection:
        rows = connection.execute(sa.text("SELECT count(*) FROM contact_windows")).scalar_one()
        query = "SELECT action FROM audit_log ORDER BY id DESC LIMIT 1"
        assert connection.execute(sa.text(query)).scalar() == "retention.run"
    assert rows == int(is_kept)
