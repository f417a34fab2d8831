"""`sendtrail groups import`: group chats and how many people are in them (IM-42, IM-44)."""

import csv
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from pydantic import ValidationError
from rich.progress import track

from runtime import audit
from runtime.clock import now
from runtime.errors import InvalidInput
from runtime.postgres import connect, transaction
from runtime.settings import DatabaseSettings, read
from schemas.http.tasks import GroupBody
from services.scheduler.store.groups import Group
from services.scheduler.timed.groups import enter, group_of

AT_ONCE: Final = 1_000
"""Groups in one statement."""
MOST_TOLD: Final = 20
"""Mistakes that are told; a file in another form has one a line."""

_FIELDS: Final = {
    "id": "groupId",
    "name": "name",
    "members": "members",
    "recipient": "recipient",
    "channel": "channel",
    "sender": "senderId",
}
_NEEDED: Final = ("id", "name")
_NUMBER: Final = re.compile(r"-?[0-9]{1,18}")

app = typer.Typer(help="Group chats that tasks may be sent to.", no_args_is_help=True)


@app.callback()
def _groups() -> None:
    """Keep `import` a command of its own, also while it is the only one."""


@app.command("import")
def import_(
    file: Annotated[
        Path,
        typer.Argument(
            help="CSV in UTF-8; its first line names the columns: `id`, `name`, and as wanted"
            " `members`, `recipient`, `channel`, `sender`.",
            exists=True,
            dir_okay=False,
        ),
    ],
    channel: Annotated[str, typer.Option(help="Of lines that name none.")] = "wecom",
    sender: Annotated[str, typer.Option(help="The account that sends; of lines without one.")] = "",
    tenant: Annotated[str | None, typer.Option(help="Whose they are; default: nobody's.")] = None,
) -> None:
    """Enter the groups of a file: all of them, or with a mistake in any line none."""
    usual = {"channel": channel, "senderId": sender, "tenantId": tenant}
    caller, at = audit.at_the_terminal(), now()
    groups = read_groups(file, usual)
    engine = connect(read(DatabaseSettings).database_url.get_secret_value(), pool=1)
    with transaction(engine) as connection:
        for first in track(
            range(0, len(groups), AT_ONCE), "groups", disable=len(groups) <= AT_ONCE
        ):
            enter(connection, groups[first : first + AT_ONCE], caller, now=at)
    engine.dispose()
    print(f"{len(groups)} groups entered")


def read_groups(file: Path, usual: Mapping[str, str | None]) -> list[Group]:
    """Return the groups of a file. Raises `InvalidInput` naming the wrong lines."""
    found: dict[str, Group] = {}
    wrong: list[str] = []
    caller = audit.at_the_terminal()
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.DictReader(lines)
            _must_have_columns(file, rows.fieldnames or ())
            for row in rows:
                try:
                    group = group_of(GroupBody.model_validate(_given(row, usual)), caller)
                except ValidationError as error:
                    wrong += [f"line {rows.line_num}: {each}" for each in _mistakes(error)]
                    continue
                if group.group_id in found:
                    wrong.append(f"line {rows.line_num}: id: stands in an earlier line, too")
                found[group.group_id] = group
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput(str(file), str(error)) from error
    if wrong:
        more = len(wrong) - MOST_TOLD
        told = [*wrong[:MOST_TOLD], *([f"and {more} more mistakes"] if more > 0 else [])]
        raise InvalidInput(str(file), "; ".join(told))
    if not found:
        raise InvalidInput(str(file), "it names no group")
    return list(found.values())


def _must_have_columns(file: Path, columns: Any) -> None:  # noqa: ANN401 - any sequence
    for column in _NEEDED:
        if column not in columns:
            raise InvalidInput(str(file), f"its first line has no column {column!r}")
    unknown = [column for column in columns if column not in _FIELDS]
    if unknown:
        known = ", ".join(_FIELDS)
        raise InvalidInput(str(file), f"no column {unknown[0]!r} is known: there are {known}")


def _given(row: Mapping[str, str | None], usual: Mapping[str, str | None]) -> dict[str, Any]:
    said = {_FIELDS[name]: text for name, text in row.items() if name in _FIELDS and text}
    given: dict[str, Any] = {**{name: text for name, text in usual.items() if text}, **said}
    members = said.get("members", "")
    # What is no number is told as such by the model.
    return given | {"members": int(members)} if _NUMBER.fullmatch(members) else given


def _mistakes(error: ValidationError) -> list[str]:
    columns = {field: column for column, field in _FIELDS.items()}
    wrong = error.errors(include_url=False, include_input=False, include_context=False)
    return [f"{_column(each['loc'], columns)}: {each['msg']}" for each in wrong]


def _column(place: tuple[int | str, ...], columns: Mapping[str, str]) -> str:
    field = str(place[0]) if place else "line"
    return columns.get(field, field)
