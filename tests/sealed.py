"""Opens what services sealed, with the keys that they have."""

from pathlib import Path

import sqlalchemy as sa
from pydantic import SecretStr

from deploy.pipeline import Pipeline
from runtime.media import MediaSettings, open_store
from runtime.sealed_files import OpenedFiles
from runtime.vault import Person, Vault, VaultSettings
from schemas.sealed import Personal
from services.status_projector.store import participants, personal
from tests.vaults import the_vault

VAULT = the_vault()
"""With the keys of all processes that tests start by themselves."""


def vault_of(world: Pipeline) -> Vault:
    """Return a vault with the keys of a running system."""
    secrets = world.secrets
    return Vault(
        VaultSettings(
            message_encryption_key=SecretStr(secrets.encryption_key),
            message_lookup_key=SecretStr(secrets.lookup_key),
        )
    )


def personal_of(connection: sa.Connection, vault: Vault, message_id: str) -> Personal | None:
    """Return what is personal in a message; None when its person was forgotten."""
    query = sa.text("SELECT person, sealed FROM messages WHERE message_id = :id")
    row = connection.execute(query, {"id": message_id}).one()
    person: Person = bytes(row.person)
    keyring = vault.keyring(connection, [person])
    return personal.unseal(keyring, person, message_id, bytes(row.sealed))


async def opened_file(directory: Path, engine: sa.Engine, vault: Vault, key: str) -> bytes:
    """Return a file of a store as it was sent."""
    store = open_store(MediaSettings(media_store_url=directory.as_uri()))
    files = OpenedFiles(store, engine, vault)
    return b"".join([piece async for piece in await files.get(key)])


def recipient_of(connection: sa.Connection, vault: Vault, message_id: str) -> str:
    """Return whom a message was sent to."""
    found = personal_of(connection, vault, message_id)
    assert found is not None
    return found.recipient


def statuses_of_participants(
    connection: sa.Connection, vault: Vault, message_id: str
) -> dict[str | None, str]:
    """Return the status of each of a message's participants."""
    query = sa.text(
        "SELECT person, sealed, status FROM message_participants WHERE message_id = :id"
    )
    rows = connection.execute(query, {"id": message_id}).all()
    keyring = vault.keyring(connection, [bytes(row.person) for row in rows])
    return {
        participants.unseal(keyring, bytes(row.person), message_id, bytes(row.sealed)): row.status
        for row in rows
    }
