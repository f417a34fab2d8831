"""What the administration reads from the environment."""

from datetime import timedelta

from pydantic import Field

from runtime.auth import AuthSettings
from runtime.media import MediaSettings
from runtime.settings import DatabaseSettings
from runtime.sources import Networks
from runtime.vault import VaultSettings


class AdministrationSettings(DatabaseSettings, AuthSettings, VaultSettings, MediaSettings):
    """Each field is the environment variable of the same name."""

    http_port: int = 8087
    message_retention: timedelta = Field(default=timedelta(days=365), gt=timedelta(0))
    """How long messages, files and all that belongs to them is kept (SE-02)."""
    auth_token_lasts: timedelta = Field(default=timedelta(hours=12), gt=timedelta(0))
    """How long a session lasts: a shift, so that nobody signs in twice in one (IM-30)."""
    auth_lock_after: int = Field(default=10, ge=1)
    """Wrong passwords in a row that lock a name."""
    auth_lock_for: timedelta = Field(default=timedelta(minutes=15), gt=timedelta(0))
    """How long it is locked then; and how long wrong passwords are remembered."""
    auth_failures_per_address: int = Field(default=100, ge=1)
    """The same of one address, whatever names it tries; an office has one address."""
    auth_trusted_proxies: Networks = ()
    """Whose X-Forwarded-For is believed. None by default: anybody could write one."""
