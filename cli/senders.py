"""`sendtrail senders`: what each sending account may do, and a hand in it."""

import re
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
import typer
from rich.console import Console
from rich.table import Table

from domain.rates import part_of
from runtime import audit
from runtime.audit import Action
from runtime.postgres import connect, transaction
from runtime.settings import DatabaseSettings, read
from services.dispatcher.settings import LimitSettings
from services.dispatcher.store import outcomes, senders, waiting
from services.dispatcher.store.senders import Sender
from services.dispatcher.store.waiting import Waiting

app = typer.Typer(
    help="Sending accounts: what they have used of their limits, which cannot send, and why.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(help="`channel:senderId`, as `list` shows it.")]
New = Annotated[bool, typer.Option("--new", help="Also for an account that has sent nothing yet.")]
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]*:\S+")


class _Settings(DatabaseSettings, LimitSettings):
    """What these commands read from the environment."""


@app.command("list")
def list_() -> None:
    """List every sending account: its state, today's use of its limit, and what waits for it."""
    settings, now = read(_Settings), datetime.now(UTC)
    today = now.astimezone(ZoneInfo(settings.app_timezone)).date()
    engine = _engine(settings)
    with transaction(engine) as connection:
        known = senders.everyone(connection)
        used = senders.used_today(connection, [one.sender for one in known], today)
        queues = waiting.waiting(connection)
    engine.dispose()
    table = Table("sender", "state", "used today", "limit", "a second", "waiting", "due for")
    for one in known:
        limit = one.daily_limit if one.daily_limit is not None else settings.sender_daily_limit
        limit = limit if one.is_limited else None
        queue = queues.get(one.sender, Waiting(0, None))
        table.add_row(
            one.sender,
            _state(one, now),
            "not counted" if limit is None else str(used.get(one.sender, 0)),
            "none" if limit is None else str(limit),
            "" if one.messages_per_second is None else f"{one.messages_per_second:g}",
            str(queue.count),
            _age(queue.due_since, now),
        )
    Console(soft_wrap=True).print(table)


@app.command()
def resume(name: Name) -> None:
    """Let a halted or held account send again at once, without waiting for its time."""
    engine = _engine(read(_Settings))
    with transaction(engine) as connection:
        resumed = senders.resume(connection, [name], now=datetime.now(UTC))
        if resumed:
            audit.note(connection, audit.at_the_terminal(), Action.SENDER_RESUME, name)
        outcomes.start_anew(connection, [name])
    engine.dispose()
    print(f"{name} sends again" if resumed else f"{name} was neither halted nor held")


@app.command()
def limit(
    name: Name,
    messages: Annotated[
        int | None,
        typer.Argument(
            min=0, help="Messages a day, of a WeCom app their members; none of it: no limit at all."
        ),
    ] = None,
    *,
    new: New = False,
) -> None:
    """Give an account a daily limit of its own, or none."""
    with _changing(name, new=new) as (connection, before):
        senders.limit(connection, name, messages)
        changes = {"dailyLimit": (before.daily_limit, messages)}
        audit.note(connection, audit.at_the_terminal(), Action.SENDER_LIMIT, name, changes)
    print(f"{name} may send {'any number of' if messages is None else messages} messages a day")


@app.command()
def rate(
    name: Name,
    per_second: Annotated[
        float | None,
        typer.Argument(min=0, help="Messages a second, 0: any; none of it: as its channel says."),
    ] = None,
    *,
    new: New = False,
) -> None:
    """Give an account a rate of its own, or its channel's again."""
    with _changing(name, new=new) as (connection, before):
        senders.pace(connection, name, per_second)
        changes = {"messagesPerSecond": (before.messages_per_second, per_second)}
        audit.note(connection, audit.at_the_terminal(), Action.SENDER_LIMIT, name, changes)
    said = "as fast as its channel may" if per_second is None else f"{per_second:g} a second"
    print(f"{name} sends {said if per_second != 0 else 'without a limit of ours'}")


@contextmanager
def _changing(name: str, *, new: bool) -> Generator[tuple[sa.Connection, Sender]]:
    """Open a transaction that changes a sender; one that is not known ends the command."""
    engine = _engine(read(_Settings))
    try:
        with transaction(engine) as connection:
            if new and not _NAME.fullmatch(name):
                raise typer.BadParameter(f"{name!r} is no `channel:senderId`")
            known = senders.known(connection, {name}) if new else senders.of(connection, {name})
            if name not in known:
                raise typer.BadParameter(
                    f"there is no sender {name!r}; see `senders list`, or say --new for one that"
                    " has sent nothing yet"
                )
            yield connection, known[name]
    finally:
        engine.dispose()


def _state(one: Sender, now: datetime) -> str:
    if one.halted_at is not None:
        return f"halted since {one.halted_at:%Y-%m-%d %H:%M:%S}: {one.halted_for}"
    if one.held_until is not None and one.held_until > now:
        return f"held until {one.held_until:%Y-%m-%d %H:%M:%S}"
    part = part_of(one.slowed, now)
    return "ready" if part >= 1 else f"slowed to {part:.0%}"


def _age(since: datetime | None, now: datetime) -> str:
    return "" if since is None or since > now else f"{(now - since).total_seconds():.0f} s"


def _engine(settings: _Settings) -> sa.Engine:
    return connect(settings.database_url.get_secret_value(), pool=1)
