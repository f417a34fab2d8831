"""`sendtrail rebuild`: the read models from the topics, compared with the tables."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from runtime import audit
from runtime.daily_limits import DailyLimitSettings
from runtime.kafka.sealing import TopicKeys, TopicKeySettings
from runtime.postgres import connect, transaction
from runtime.settings import DatabaseSettings, read
from runtime.vault import Vault, VaultSettings
from services.status_projector.rebuild import Rebuild, Result


class _Settings(DatabaseSettings, VaultSettings, TopicKeySettings, DailyLimitSettings):
    """What this command reads from the environment."""


def rebuild(
    *,
    swap: Annotated[
        bool,
        typer.Option("--swap/--compare-only", help="Put what differs in the place of what is."),
    ] = False,
) -> None:
    """Make the read models anew from the topics, and compare; exit code 1 if they differ."""
    settings = read(_Settings)
    run = Rebuild(
        settings.database_url.get_secret_value(),
        settings.kafka_bootstrap_servers,
        Vault(settings),
        TopicKeys(settings),
        settings.zone,
    )
    with Progress() as progress:
        task = progress.add_task("records", total=None)
        result = asyncio.run(
            run.run(lambda done, of: progress.update(task, completed=done, total=of), mends=swap)
        )
    if result.is_mended:
        _note(settings.database_url.get_secret_value(), result)
    _tell(result)
    if not result.is_mended and result.wrong + result.unknown:
        raise typer.Exit(1)


def _note(url: str, result: Result) -> None:
    engine = connect(url, pool=1)
    with transaction(engine) as connection:
        changes = {line.name: (None, line.wrong) for line in result.lines if line.wrong}
        action = audit.Action.MESSAGES_REBUILD
        audit.note(connection, audit.at_the_terminal(), action, "rebuild --swap", changes)
    engine.dispose()


def _tell(result: Result) -> None:
    since = max(result.reach.messages, result.reach.tasks)
    if since > datetime.min.replace(tzinfo=UTC):
        print(f"the topics reach back to {since:%Y-%m-%d %H:%M}; what is earlier is kept")
    columns = ("read model", "rows", "missing", "different", "unknown to the topics", "put right")
    table = Table(*columns)
    for line in result.lines:
        mended = line.wrong if result.is_mended else 0
        numbers = (line.compared, line.missing, line.different, line.unknown, mended)
        table.add_row(line.name, *(str(number) for number in numbers))
    console = Console(soft_wrap=True)
    console.print(table)
    if result.wrong + result.unknown == 0:
        print(f"{result.records} records applied: the tables say the same")
        return
    console.print(_examples(result))
    kept = f"; {result.unknown} that the topics do not know are kept" if result.unknown else ""
    done = "put right" if result.is_mended else "left as they are"
    print(f"{result.wrong} rows differ: {done}{kept}")


def _examples(result: Result) -> Table:
    table = Table("read model", "row", "differs in")
    for line in result.lines:
        for one in line.examples:
            table.add_row(line.name, one.row, ", ".join(one.columns) or f"it is {one.what}")
    return table
