"""The vault of the tests and of the processes that they start, and others over the same people."""

from pydantic import SecretStr

from runtime.vault import Vault, VaultSettings
from tests.keys import KEYS


def the_vault() -> Vault:
    """Return a vault with the keys of the processes."""
    return vault_of(KEYS["MESSAGE_ENCRYPTION_KEY"])


def vault_of(*master_keys: str) -> Vault:
    """Return a vault with these master keys."""
    return Vault(
        VaultSettings(
            message_encryption_key=SecretStr(",".join(master_keys)),
            message_lookup_key=SecretStr(KEYS["MESSAGE_LOOKUP_KEY"]),
        )
    )
