"""`sendtrail keys rotate`: a master key is changed, and the old one may go (SE-01)."""

import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from typer.testing import CliRunner, Result

from cli.app import app
from runtime.vault import Person, Unreadable, Vault, VaultSettings

pytestmark = pytest.mark.stack

OLD, NEW, LOOKUP = "the old master key " * 3, "the new master key " * 3, "the lookup key " * 3
PLACE = "test"
MANY = 1_001
"""More than one step of the command."""


def a_vault(masters: str) -> Vault:
    return Vault(
        VaultSettings(
            message_encryption_key=SecretStr(masters), message_lookup_key=SecretStr(LOOKUP)
        )
    )


def opened(database: sa.Engine, vault: Vault, sealed: dict[Person, bytes]) -> list[bytes | None]:
    with database.begin() as connection:
        keys = vault.keyring(connection, list(sealed))
        return [keys.open(person, one, place=PLACE) for person, one in sealed.items()]


def sendtrail(database_url: str, masters: str, *arguments: str) -> Result:
    environment = {
        "DATABASE_URL": database_url,
        "MESSAGE_ENCRYPTION_KEY": masters,
        "MESSAGE_LOOKUP_KEY": LOOKUP,
    }
    return CliRunner().invoke(app, arguments, env=environment)


def test_after_a_rotation_the_old_key_is_dropped_and_all_is_still_read(
    database: sa.Engine, database_url: str
) -> None:
    old = a_vault(OLD)
    people = [old.person("whatsapp", f"+1650555{number:04d}") for number in range(MANY)]
    with database.begin() as connection:
        keys = old.sealing(connection, people)
        sealed = {one: keys.seal(one, one.hex().encode(), place=PLACE) for one in people}

    with pytest.raises(Unreadable):
        opened(database, a_vault(NEW), sealed)
    done = sendtrail(database_url, f"{NEW},{OLD}", "keys", "rotate")

    assert done.output.splitlines()[-1] == f"{MANY} keys are wrapped by the first key"
    assert opened(database, a_vault(NEW), sealed) == [one.hex().encode() for one in people]
    with pytest.raises(Unreadable):
        opened(database, old, sealed)
    with database.connect() as connection:
        query = sa.text("SELECT action FROM audit_log")
        assert connection.execute(query).scalars().all() == ["keys.rotate"]
    assert sendtrail(database_url, NEW, "keys", "rotate").exit_code == 0
