"""How the WhatsApp Cloud API is reached (WA-01, WA-02)."""

from datetime import timedelta

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class WhatsAppSettings(BaseSettings):
    """Each field is the environment variable of the same name."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    whatsapp_api_base_url: str = "https://graph.facebook.com/v24.0"
    """With the version: v18.0, which older documents name, has expired (CF-10)."""
    whatsapp_access_token: SecretStr
    """A system user's token; required."""
    whatsapp_connect_within: timedelta = timedelta(seconds=5)
    """A connection that did not open in this time was never opened: safe to try again."""
    whatsapp_answer_within: timedelta = timedelta(seconds=20)
    """From the first byte sent to the last received; beyond it the outcome is in doubt."""
    whatsapp_connections: int = 128
    """At once, over all senders of this process."""


class WhatsAppMediaSettings(WhatsAppSettings):
    """How files are fetched from it."""

    whatsapp_media_hosts: str = "fbsbx.com,facebook.com"
    """Hosts a file may be fetched from, comma-separated, each with all below it; besides them only
    the API itself. The access token goes to no other."""
    whatsapp_media_silent_for: timedelta = timedelta(seconds=20)
    """A download in which nothing comes for so long is broken off and tried again."""
