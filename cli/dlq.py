"""`sendtrail dlq list|show|replay`: what was rejected, why, and another try (IM-10)."""

import asyncio
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli.dead_letters import DeadLetter, dead_letters
from cli.dead_letters import replay as put_back
from runtime import audit
from runtime.audit import Action
from runtime.kafka.sealing import TopicKeys, TopicKeySettings
from runtime.postgres import connect, transaction
from runtime.settings import DatabaseSettings, Settings, read
from schemas.topics.provider_events import PROVIDER_EVENTS
from schemas.topics.send_requests import SEND_REQUESTS
from schemas.topics.status_changes import STATUS_CHANGES
from schemas.topics.task_changes import TASK_CHANGES
from schemas.topics.topic import SEALED, MalformedRecord, Outgoing, header

_NOTED = 1_000
"""Numbers of records that the audit trail names at most."""

app = typer.Typer(
    help="Records that a service rejected: list them, look at one, publish them again.",
    no_args_is_help=True,
)


class SourceTopic(StrEnum):
    """The topics whose records can be rejected: those of the registry."""

    SEND_REQUESTS = SEND_REQUESTS.name
    PROVIDER_EVENTS = PROVIDER_EVENTS.name
    STATUS_CHANGES = STATUS_CHANGES.name
    TASK_CHANGES = TASK_CHANGES.name


Source = Annotated[SourceTopic, typer.Argument(help="The topic the records came from.")]
Offset = Annotated[int, typer.Argument(min=0, help="The record's number, as `list` shows it.")]


@app.command("list")
def list_() -> None:
    """List every rejected record: its number, when, why, and where it stood. No content."""
    table = Table("topic", "number", "rejected at", "by", "reason", "detail", "stood at")
    for topic in SourceTopic:
        for letter in _read(topic):
            said = [letter.added(name) for name in ("at", "by", "reason", "detail")]
            table.add_row(topic, str(letter.offset), *said, letter.place)
    if table.row_count:
        Console(soft_wrap=True).print(table)
    else:
        print("no record was rejected")


@app.command()
def show(
    topic: Source,
    offset: Offset,
    *,
    content: Annotated[
        bool, typer.Option("--content", help="Show key and value too; they may hold personal data.")
    ] = False,
) -> None:
    """Show one rejected record: its headers, and with --content its key and value.

    A sealed value is opened with TOPIC_ENCRYPTION_KEY.
    """
    letter = _one(topic, offset)
    for name, value in letter.headers:
        print(f"{name}: {value.decode(errors='backslashreplace')}")
    if content:
        print(f"key: {letter.key.decode(errors='backslashreplace')}")
        print(_clear(letter.original(topic)).decode(errors="backslashreplace"))
    else:
        print(f"{len(letter.value)} bytes; --content shows them")


@app.command()
def replay(
    topic: Source,
    offsets: Annotated[
        list[int] | None, typer.Argument(min=0, help="Which records; all if none is named.")
    ] = None,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
) -> None:
    """Publish rejected records again, unchanged, to the topic they came from.

    They stay in the DLQ, and doing it twice is harmless: a repeated record changes nothing. It is
    noted in the audit trail first: DATABASE_URL says where that is.
    """
    letters = _read(topic, *(offsets or ()))
    missing = set(offsets or ()) - {letter.offset for letter in letters}
    if missing:
        raise typer.BadParameter(f"no record {min(missing)} in the DLQ of {topic}")
    if not letters:
        print(f"nothing of {topic} was rejected")
        return
    if not yes:
        typer.confirm(f"publish {len(letters)} records to {topic} again?", abort=True)
    _note(topic, letters)
    asyncio.run(put_back(_bootstrap(), topic, letters))
    print(f"published {len(letters)} records to {topic} again")


def _clear(record: Outgoing) -> bytes:
    if header(record.headers, SEALED) is None:
        return record.value
    try:
        value, _ = TopicKeys(read(TopicKeySettings)).clear(record)
    except MalformedRecord as error:
        print(f"its value does not open: {error}")
        raise typer.Exit(1) from error
    return value or b""


def _note(topic: str, letters: Sequence[DeadLetter]) -> None:
    changes = {"records": (None, [letter.offset for letter in letters[:_NOTED]])}
    engine = connect(read(DatabaseSettings).database_url.get_secret_value(), pool=1)
    with transaction(engine) as connection:
        action = Action.DEAD_LETTERS_REPLAY
        audit.note(connection, audit.at_the_terminal(), action, topic, changes)
    engine.dispose()


def _one(topic: str, offset: int) -> DeadLetter:
    for letter in _read(topic, offset):
        return letter
    raise typer.BadParameter(f"no record {offset} in the DLQ of {topic}")


def _read(topic: str, *offsets: int) -> list[DeadLetter]:
    return asyncio.run(dead_letters(_bootstrap(), topic, offsets))


def _bootstrap() -> str:
    return read(Settings).kafka_bootstrap_servers
