"""`sendtrail keys rotate`, `sendtrail retention`: master keys, and what is old (SE-01, SE-02)."""

from datetime import timedelta
from typing import Annotated, Final

import sqlalchemy as sa
import typer
from pydantic import Field
from rich.progress import Progress

from runtime import audit
from runtime.audit import Action, at_the_terminal
from runtime.clock import now
from runtime.media import MediaSettings, open_store
from runtime.postgres import connect, transaction
from runtime.settings import DatabaseSettings, read
from runtime.vault import Person, Vault, VaultSettings
from services.administration.retention import Retention

STEP: Final = 1_000
"""Keys rewrapped in one transaction, some 20 ms."""

keys = typer.Typer(help="The master keys of MESSAGE_ENCRYPTION_KEY.", no_args_is_help=True)


@keys.callback()
def _group() -> None:
    """Keep `rotate` a command of its own."""


@keys.command()
def rotate() -> None:
    """Wrap every person's key by the first master key; the others may go afterwards.

    Nothing that is sealed is touched, services go on meanwhile, and it may be broken off and
    begun again.
    """
    engine = connect(read(DatabaseSettings).database_url.get_secret_value(), pool=1)
    vault = Vault(read(VaultSettings))
    with transaction(engine) as connection:
        total = connection.execute(sa.text("SELECT count(*) FROM person_keys")).scalar_one()
    with Progress(disable=total < STEP) as progress:
        task = progress.add_task("rotating", total=total)
        last: Person | None = b""
        while last is not None:
            with transaction(engine) as connection:
                last = vault.rewrap(connection, after=last, limit=STEP)
            progress.advance(task, STEP)
    with transaction(engine) as connection:
        audit.note(connection, at_the_terminal(), Action.KEYS_ROTATE, "MESSAGE_ENCRYPTION_KEY")
    engine.dispose()
    print(f"{total} keys are wrapped by the first key")


class _Settings(DatabaseSettings, MediaSettings):
    """What `retention` reads; as the administration, so that both keep everything as long."""

    message_retention: timedelta = Field(default=timedelta(days=365), gt=timedelta(0))


def retention(
    days: Annotated[
        int | None,
        typer.Option(
            min=1, help="How long everything is kept.", show_default="MESSAGE_RETENTION, or 365"
        ),
    ] = None,
) -> None:
    """Forget what is old now, as the administration does once a day, and say what it was."""
    settings = read(_Settings)
    engine = connect(settings.database_url.get_secret_value(), pool=1)
    kept = settings.message_retention if days is None else timedelta(days=days)
    counts = Retention(engine, open_store(settings), now, kept=kept).run()
    with transaction(engine) as connection:
        about = f"older than {kept.days} days"
        audit.note(connection, at_the_terminal(), Action.RETENTION_RUN, about)
    engine.dispose()
    for what, count in sorted(counts.items()):
        print(f"{what}: {count}")
    print("what was old is forgotten")
