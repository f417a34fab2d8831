"""What the fetcher reads from the environment."""

from datetime import timedelta

from pydantic import Field, PositiveInt

from providers.wecom.api_settings import WecomApiSettings
from providers.whatsapp.settings import WhatsAppMediaSettings
from runtime.kafka.sealing import TopicKeySettings
from runtime.media import MediaSettings
from runtime.settings import DatabaseSettings, process_name
from runtime.vault import VaultSettings

_KB = 1_024
_MB = 1_024 * _KB


class FetcherSettings(
    DatabaseSettings,
    VaultSettings,
    TopicKeySettings,
    WhatsAppMediaSettings,
    WecomApiSettings,
    MediaSettings,
):
    """Each field is the environment variable of the same name."""

    http_port: int = 8086
    """Health and metrics."""
    fetcher_at_once: PositiveInt = 4
    """Files on their way at once; each takes some 10 MB of memory."""
    fetcher_fetch_within: timedelta = timedelta(minutes=10)
    """For one whole attempt: a file that comes drop by drop must not hold a place for ever."""
    fetcher_claim_lasts: timedelta = timedelta(seconds=30)
    """Renewed while the process lives; what it was fetching when it died is then taken over."""
    fetcher_give_up_after: timedelta = timedelta(hours=24)
    """A file that could not be had for so long counts as lost."""
    fetcher_largest_image: PositiveInt = 5 * _MB
    """Bytes, as the following: what WhatsApp allows (WA 5)."""
    fetcher_largest_sticker: PositiveInt = 500 * _KB
    fetcher_largest_audio: PositiveInt = 16 * _MB
    fetcher_largest_video: PositiveInt = 16 * _MB
    fetcher_largest_document: PositiveInt = 100 * _MB
    """Also of everything that is none of the others."""
    fetcher_owner: str = Field(default_factory=process_name)
    """Names this process in the table of files."""

    def largest(self, message_type: str) -> int:
        """Return how many bytes a file may have that came with such a message."""
        return {
            "image": self.fetcher_largest_image,
            "sticker": self.fetcher_largest_sticker,
            "audio": self.fetcher_largest_audio,
            "voice": self.fetcher_largest_audio,
            "video": self.fetcher_largest_video,
        }.get(message_type, self.fetcher_largest_document)
