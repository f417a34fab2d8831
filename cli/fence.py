"""`sendtrail fence show|confirm`: which database is the live one (IM-57)."""

import asyncio
import getpass
import socket
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from domain.fence import Live, Refuse, Tell, Word, judge
from runtime import audit, fence
from runtime.clock import now
from runtime.postgres import connect, transaction
from runtime.settings import DatabaseSettings, read

app = typer.Typer(
    help="The fence around the live database: what it says, and confirming a restored copy.",
    no_args_is_help=True,
)


@app.command()
def show() -> None:
    """Show what the database and Kafka say of each other; exit code 1 where nothing may be sent."""
    settings = read(DatabaseSettings)
    url = settings.database_url.get_secret_value()
    here, stored, heard = asyncio.run(fence.show(url, settings.kafka_bootstrap_servers))
    table = Table("", "Kafka cluster", "database", "epoch")
    table.add_row("here", here.cluster, here.database, _epoch(heard))
    if stored is not None:
        bond = stored.bond
        table.add_row("the database says", bond.cluster, bond.database, _epoch(stored.word))
    Console(soft_wrap=True).print(table)
    match judge(here, stored, heard):
        case Refuse(reason):
            print(reason)
            raise typer.Exit(1)
        case Live() | Tell():
            print("this is the live database")
        case _:
            print("neither has been used yet; the first service that starts binds them")


@app.command()
def confirm(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,  # noqa: FBT002 - a flag of the command line
) -> None:
    """Say that the database at DATABASE_URL is the one live copy; any other stops sending."""
    if not yes:
        typer.confirm(
            "Are all other copies of this database stopped for good, and is it known what was sent"
            " since the backup?",
            abort=True,
        )
    settings = read(DatabaseSettings)
    stored = asyncio.run(
        fence.confirm(
            settings.database_url.get_secret_value(),
            settings.kafka_bootstrap_servers,
            by=f"{getpass.getuser()}@{socket.gethostname()}",
            at=now(),
        )
    )
    _note(settings.database_url.get_secret_value(), stored.word.epoch)
    print(f"this is the live database now, epoch {stored.word.epoch}")


def _note(url: str, epoch: int) -> None:
    engine = connect(url, pool=1)
    with transaction(engine) as connection:
        action = audit.Action.FENCE_CONFIRM
        audit.note(connection, audit.at_the_terminal(), action, f"epoch {epoch}")
    engine.dispose()


def _epoch(word: Word | None) -> str:
    return "" if word is None else str(word.epoch)
