"""`sendtrail whatsapp read|templates`: marks a message as read; shows what may be sent (WA-12)."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import sqlalchemy as sa
import typer
from rich.console import Console
from rich.table import Table

from domain.failures import Failure
from domain.identity import ProviderMessageId, SenderId
from providers.whatsapp.client import WhatsAppChannel
from providers.whatsapp.settings import WhatsAppSettings
from providers.whatsapp.template_rules import Template
from providers.whatsapp.template_store import templates as stored
from providers.whatsapp.templates import TemplateBook, TemplateKeeper
from runtime.postgres import connect, transaction
from runtime.settings import DatabaseSettings, Settings
from runtime.settings import read as from_environment

app = typer.Typer(
    help="The WhatsApp Cloud API: mark messages as read, list templates.", no_args_is_help=True
)


class _ApiSettings(Settings, WhatsAppSettings):
    """How the API is reached."""


class _SyncSettings(DatabaseSettings, WhatsAppSettings):
    """The same, and the table's database."""


@app.command()
def read(
    sender: Annotated[str, typer.Argument(help="The phone number id that was written to.")],
    message: Annotated[str, typer.Argument(help="WhatsApp's id of the message: wamid.…")],
    *,
    typing: Annotated[
        bool, typer.Option("--typing", help="Show for 25 s that an answer is being written.")
    ] = False,
) -> None:
    """Tell a person that their message, and all before it, was read."""
    settings = from_environment(_ApiSettings)
    failure = asyncio.run(_mark(settings, sender, message, typing=typing))
    if failure is not None:
        code = "" if failure.provider_code is None else f" (code {failure.provider_code})"
        print(f"not marked as read: {failure.detail or failure.code}{code}")
        raise typer.Exit(1)
    print("marked as read")


@app.command()
def templates(
    *,
    sync: Annotated[
        bool, typer.Option("--sync", help="Compare with the list at Meta first.")
    ] = False,
) -> None:
    """List the templates of DATABASE_URL: which may be sent, and what they take."""
    if sync:
        settings = from_environment(_SyncSettings)
        print(f"{asyncio.run(_sync(settings))} templates changed")
    engine = _engine(from_environment(DatabaseSettings))
    with transaction(engine) as connection:
        Console(soft_wrap=True).print(_table(stored(connection)))
    engine.dispose()


async def _mark(
    settings: WhatsAppSettings, sender: str, message: str, *, typing: bool
) -> Failure | None:
    channel = WhatsAppChannel(settings)
    try:
        return await channel.mark_read(SenderId(sender), ProviderMessageId(message), typing=typing)
    finally:
        await channel.close()


async def _sync(settings: _SyncSettings) -> int:
    engine = _engine(settings)
    keeper = TemplateKeeper(settings, engine, TemplateBook())
    try:
        return await keeper.sync()
    finally:
        await keeper.close()
        engine.dispose()


def _engine(settings: DatabaseSettings) -> sa.Engine:
    return connect(settings.database_url.get_secret_value(), pool=1)


def _table(templates: Sequence[Template]) -> Table:
    table = Table("template", "language", "active", "category", "status", "header", "body")
    for template in templates:
        for language, translation in template.translations.items() or [(template.language, None)]:
            table.add_row(
                template.name,
                language,
                "yes" if template.is_active else "no",
                template.category,
                (translation and translation.status) or "",
                (translation and translation.header) or "",
                ", ".join(translation.body) if translation else "",
            )
    return table
