"""`sendtrail users create-admin|reset-password`: who is let in first, or again (IM-29, IM-30)."""

import secrets
from collections.abc import Generator
from contextlib import contextmanager
from typing import Annotated

import msgspec
import typer

from runtime import audit
from runtime.clock import now
from runtime.postgres import connect, transaction
from runtime.settings import DatabaseSettings, read
from schemas.http.accounts import ChangeUser, CreateUser, WechatId
from services.administration.accounts import NO_USER, Desk
from services.administration.passwords import Passwords
from services.administration.roles import ADMINISTRATOR, BUILT_IN
from services.administration.store import roles, users

app = typer.Typer(
    help="Who may sign in: the first administrator, and a way back in. The rest is done over HTTP.",
    no_args_is_help=True,
)


def _wechat_id(name: str) -> str:
    try:
        return msgspec.convert(name, WechatId)
    except msgspec.ValidationError as error:
        raise typer.BadParameter(str(error)) from error


Name = Annotated[str, typer.Argument(callback=_wechat_id, help="The WeChat ID they sign in with.")]


@app.command("create-admin")
def create_admin(
    wechat_id: Name,
    tenant: Annotated[
        str | None, typer.Option(help="Of this tenant only; default: of the whole system.")
    ] = None,
) -> None:
    """Make an administrator; the password is shown this once."""
    password = made_up_password()
    with _desk() as desk:
        create_administrator(desk, wechat_id, password, tenant)
    print(f"{wechat_id} signs in with the password {password}")
    print("it is shown only now: change it with POST /api/auth/password")


@app.command("reset-password")
def reset_password(wechat_id: Name) -> None:
    """Give a person another password, shown this once; all their sessions end."""
    password = made_up_password()
    with _desk() as desk:
        standing = users.standing_of(desk.connection, wechat_id)
        if standing is None:
            raise typer.BadParameter(NO_USER, param_hint="wechat_id")
        desk.change_user(
            standing.user_id, ChangeUser(password=password), Passwords().hashed(password)
        )
    print(f"{wechat_id} signs in with the password {password}")


def create_administrator(desk: Desk, wechat_id: str, password: str, tenant: str | None) -> None:
    """Make an administrator, whether or not the service has ever run. Raises `Conflict`."""
    roles.keep_built_in(desk.connection, BUILT_IN, now=desk.now)
    body = CreateUser(
        wechat_id=wechat_id,
        name=wechat_id,
        role_id=str(roles.built_in_id(desk.connection, ADMINISTRATOR)),
        tenant_id=tenant,
        password=password,
    )
    desk.create_user(body, Passwords().hashed(password))


def made_up_password() -> str:
    """Return one that nobody guesses."""
    return secrets.token_urlsafe(15)


@contextmanager
def _desk() -> Generator[Desk]:
    engine = connect(read(DatabaseSettings).database_url.get_secret_value(), pool=1)
    with transaction(engine) as connection:
        yield Desk(connection, audit.at_the_terminal(), now())
    engine.dispose()
