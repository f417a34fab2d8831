"""The vault of the tests and of the processes that they start."""

from runtime.vault import Vault, VaultSettings


def the_vault() -> Vault:
    """Return a vault with the keys that tests/conftest.py has put into the environment."""
    return Vault(VaultSettings())  # pyright: ignore[reportCallIssue] - from the environment
