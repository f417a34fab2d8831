"""How the WhatsApp Cloud API is reached, and what may be sent through it (WA-01, WA-02)."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, PositiveInt, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
NoNegativeTime = Annotated[timedelta, Field(ge=timedelta())]
SomeTime = Annotated[timedelta, Field(gt=timedelta())]


class WhatsAppApiSettings(BaseSettings):
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


class WhatsAppSettings(WhatsAppApiSettings):
    """What is sent through it."""

    whatsapp_messages_per_second: NotNegative = 80
    """Of one number, to whomever (WA 4); 0: no limit of ours. Meta raises it to 1,000 by itself;
    numbers that are shared with the Business app have 20."""
    whatsapp_pair_interval: NoNegativeTime = timedelta(seconds=6)
    """Between two messages of one number to one person (WA 4); 0: no limit of ours."""
    whatsapp_pair_burst: PositiveInt = 45
    """How many of these may come at once after a pause."""
    whatsapp_window: Literal["enforce", "off"] = "enforce"
    """Whether free-form messages go only to people who have written in the last 24 hours (IM-26);
    ``off`` leaves it to Meta to refuse the others."""
    whatsapp_upload_within: SomeTime = timedelta(minutes=2)
    """For bringing one file to Meta."""
    whatsapp_business_account_id: str | None = None
    """Whose templates are kept in step with Meta's list (WA-12); without it none are."""


class WhatsAppMediaSettings(WhatsAppApiSettings):
    """How files are fetched from it."""

    whatsapp_media_hosts: str = "fbsbx.com,facebook.com"
    """Hosts a file may be fetched from, comma-separated, each with all below it; besides them only
    the API itself. The access token goes to no other."""
    whatsapp_media_silent_for: timedelta = timedelta(seconds=20)
    """A download in which nothing comes for so long is broken off and tried again."""
