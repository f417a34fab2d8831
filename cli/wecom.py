"""`sendtrail wecom cancel|remind`: stops a group send, or asks its members again (WX 2)."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

from providers.wecom.api import WecomApi
from providers.wecom.api_settings import WecomApp, WecomSendSettings
from providers.wecom.failures import failure_of
from providers.wecom.polling import GroupSends
from providers.wecom.tokens import CallFailed
from runtime.settings import Settings
from runtime.settings import read as from_environment

app = typer.Typer(help="WeCom: cancel a group send, remind its members.", no_args_is_help=True)

Sender = Annotated[str, typer.Argument(help="An app of WECOM_APPS: corpId, or corpId.agentId.")]
Task = Annotated[str, typer.Argument(help="WeCom's id of the group send: its msgid.")]


class _Settings(Settings, WecomSendSettings):
    """How the API is reached, and as whom."""


@app.command()
def cancel(sender: Sender, task: Task) -> None:
    """Stop the members who have not sent it yet; what customers have got, they keep."""
    _do(sender, lambda sends, app: sends.cancel(app, task), done="cancelled")


@app.command()
def remind(sender: Sender, task: Task) -> None:
    """Ask the members again, at most three times within a day."""
    _do(sender, lambda sends, app: sends.remind(app, task), done="reminded")


def _do(sender: str, act: Callable[[GroupSends, WecomApp], Awaitable[None]], *, done: str) -> None:
    settings = from_environment(_Settings)
    named = next((each for each in settings.wecom_apps if each.sender_id == sender), None)
    if named is None:
        raise typer.BadParameter(f"WECOM_APPS has no app {sender}")
    refusal = asyncio.run(_refusal(settings, named, act))
    if refusal is not None:
        print(f"not {done}: {refusal}")
        raise typer.Exit(1)
    print(done)


async def _refusal(
    settings: _Settings, app: WecomApp, act: Callable[[GroupSends, WecomApp], Awaitable[None]]
) -> str | None:
    api = WecomApi(settings)
    try:
        await act(GroupSends(api, answered_within=settings.wecom_answer_within), app)
    except CallFailed as error:
        if error.code is None:
            return error.why
        words = failure_of(error.code, error.text).detail
        return f"{words or error.why} (code {error.code})"
    finally:
        await api.close()
    return None
