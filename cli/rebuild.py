"""`sendtrail rebuild`: the messages' states from the topics, compared with the tables."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from runtime import audit
from runtime.daily_limits import DailyLimitSettings
from runtime.postgres import connect, transaction
from runtime.settings import DatabaseSettings, read
from runtime.vault import Vault, VaultSettings
from services.status_projector.rebuild import Rebuild, Result

SHOWN = 50


class _Settings(DatabaseSettings, VaultSettings, DailyLimitSettings):
    """What this command reads from the environment."""


def rebuild(
    *,
    swap: Annotated[
        bool,
        typer.Option("--swap/--compare-only", help="Put what differs in the place of what is."),
    ] = False,
) -> None:
    """Make the messages' states anew from the topics, and compare; exit code 1 if they differ."""
    settings = read(_Settings)
    run = Rebuild(
        settings.database_url.get_secret_value(),
        settings.kafka_bootstrap_servers,
        Vault(settings),
        settings.zone,
    )
    with Progress() as progress:
        task = progress.add_task("records", total=None)
        result = asyncio.run(
            run.run(lambda done, of: progress.update(task, completed=done, total=of), mends=swap)
        )
    if result.is_mended:
        _note(settings.database_url.get_secret_value(), len(result.differences))
    _tell(result)
    if result.differences and not result.is_mended:
        raise typer.Exit(1)


def _note(url: str, count: int) -> None:
    engine = connect(url, pool=1)
    with transaction(engine) as connection:
        changes = {"messages": (None, count)}
        action = audit.Action.MESSAGES_REBUILD
        audit.note(connection, audit.at_the_terminal(), action, "rebuild --swap", changes)
    engine.dispose()


def _tell(result: Result) -> None:
    if result.since > datetime.min.replace(tzinfo=UTC):
        print(f"the topics reach back to {result.since:%Y-%m-%d %H:%M}; earlier messages are kept")
    if not result.differences:
        print(f"{result.records} records applied: the tables say the same")
        return
    table = Table("message", "differs in")
    for one in result.differences[:SHOWN]:
        table.add_row(one.message_id, ", ".join(one.columns) or "it is missing")
    Console(soft_wrap=True).print(table)
    done = "mended; `sendtrail check` compares the counters" if result.is_mended else "left as is"
    print(f"{len(result.differences)} messages differ: {done}")
