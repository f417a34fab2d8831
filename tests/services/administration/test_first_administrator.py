"""`sendtrail users`: the first who is let in, and the way back in (IM-29, IM-30)."""

import re
from uuid import uuid4

import pytest
from typer.testing import CliRunner, Result

from cli.app import app
from runtime.auth import Permission
from tests.eventually import eventually, seconds
from tests.services.administration.administrations import RunningAdministration

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]


async def test_the_first_administrator_signs_in_with_what_was_shown_and_may_do_everything(
    administration: RunningAdministration, database_url: str
) -> None:
    name = f"ada_{uuid4().hex[:8]}"

    made = users(database_url, "create-admin", name)
    again = users(database_url, "create-admin", name)

    headers = await administration.session(name, password_in(made))
    me = (await administration.client.get("/api/auth/me", headers=headers)).json()
    assert (me["tenantId"], set(me["permissions"])) == (None, set(Permission))
    assert again.exit_code == 1
    entries = (await administration.look(f"audit?about={me['id']}", headers)).json()
    (entry,) = entries["data"]["items"]
    assert (entry["action"], entry["actor"].startswith("cli:")) == ("user.create", True)


async def test_another_password_ends_the_sessions_of_the_one_before(
    administration: RunningAdministration, database_url: str
) -> None:
    name = f"ada_{uuid4().hex[:8]}"
    first = password_in(users(database_url, "create-admin", name))
    headers = await administration.session(name, first)

    second = password_in(users(database_url, "reset-password", name))

    async def is_out() -> bool:
        return await administration.me(headers) == 401

    await eventually(is_out, within=seconds(10))
    assert (await administration.login(name, first)).status_code == 401
    assert (await administration.login(name, second)).status_code == 200


@pytest.mark.parametrize(
    "arguments",
    [("reset-password", "nobody_at_all"), ("create-admin", "not a name"), ("create-admin", "")],
)
async def test_a_name_that_is_none_is_said_to_be_none(
    database_url: str, arguments: tuple[str, str]
) -> None:
    assert users(database_url, *arguments).exit_code == 2


def users(database_url: str, *arguments: str) -> Result:
    """Run the command."""
    environment = {"DATABASE_URL": database_url}
    return CliRunner(env=environment).invoke(app, ["users", *arguments])


def password_in(shown: Result) -> str:
    """Return the password that was shown."""
    assert shown.exit_code == 0, shown.output
    found = re.search(r"password (\S+)", shown.output)
    assert found is not None
    return found[1]
