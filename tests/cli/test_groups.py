"""`sendtrail groups import`: many group chats at once, with how many people are in them."""

from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from cli.app import app

pytestmark = pytest.mark.stack


def imported(database_url: str, file: Path, text: str, *options: str) -> Result:
    file.write_text(text)
    command = ["groups", "import", str(file), "--sender", "robots", *options]
    return CliRunner().invoke(app, command, env={"DATABASE_URL": database_url})


def rows(database: sa.Engine, prefix: str) -> list[tuple[object, ...]]:
    with database.connect() as connection:
        query = sa.text(
            "SELECT name, channel, sender_id, recipient, members FROM t_groups"
            " WHERE group_id LIKE :prefix ORDER BY group_id"
        )
        return [tuple(row) for row in connection.execute(query, {"prefix": f"{prefix}%"})]


def test_a_file_is_entered_and_entered_again_changes_what_is_new(
    database: sa.Engine, database_url: str, tmp_path: Path
) -> None:
    name, file = uuid4().hex, tmp_path / "groups.csv"
    lines = [f"{name}-{number:04},课程 {number},{number}" for number in range(1_001)]

    first = imported(database_url, file, "id,name,members\n" + "\n".join(lines))
    again = imported(database_url, file, f"id,name,members\n{name}-0007,Renamed,\n")

    assert (first.exit_code, again.exit_code) == (0, 0), first.output
    assert "1001 groups entered" in first.output
    entered = rows(database, name)
    assert len(entered) == 1_001
    assert entered[7] == ("Renamed", "wecom", "robots", f"chat:{name}-0007", 7)


def test_a_file_with_mistakes_enters_nothing_and_each_is_named_with_its_line(
    database: sa.Engine, database_url: str, tmp_path: Path
) -> None:
    name = uuid4().hex
    text = f"id,name,members\n{name}-1,One,3\n{name}-2,Two,many\n{name}-3,,-1\n{name}-1,One,3\n"

    done = imported(database_url, tmp_path / "groups.csv", text)

    assert done.exit_code != 0
    said = str(done.exception)
    for mistake in ("line 3: members: ", "line 4: name: ", "line 4: members: ", "line 5: id: "):
        assert mistake in said
    assert rows(database, name) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no column 'id'"),
        ("id,name\n", "it names no group"),
        ("id,name,size\na,b,3\n", "no column 'size' is known"),
    ],
)
def test_a_file_in_another_form_is_refused(
    database_url: str, tmp_path: Path, text: str, problem: str
) -> None:
    done = imported(database_url, tmp_path / "groups.csv", text)

    assert problem in str(done.exception)
