"""What the ingester reads from the environment."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

from pydantic import AliasChoices, Field, SecretStr, ValidationInfo, field_validator

from providers.tencent.settings import Listed
from providers.wechat.settings import WechatCallbackApp
from providers.wecom.settings import WecomCallbackApp
from runtime.http_protocol import Limits
from runtime.kafka.sealing import TopicKeySettings
from runtime.settings import Settings
from runtime.signed_links import LinkSettings
from runtime.sources import Networks


class IngesterSettings(Settings, LinkSettings, TopicKeySettings):
    """Each field is the environment variable of the same name.

    Without keys for links, no preview can be answered on its page.
    """

    http_port: int = 8081
    whatsapp_webhook_verify_token: SecretStr = Field(
        min_length=1,
        validation_alias=AliasChoices("WHATSAPP_WEBHOOK_VERIFY_TOKEN", "WEBHOOK_VERIFY_TOKEN"),
    )
    """What Meta repeats when the callback is registered (PC-04); the first name wins (CF-11).

    Comma-separated where several apps call, in any order.
    """
    whatsapp_app_secret: SecretStr = Field(min_length=1)
    """Signs every callback (CF-11); comma-separated, one an app. An empty one would let anybody
    sign."""
    whatsapp_app_secret_previous: SecretStr = SecretStr("")
    """Earlier app secrets, comma-separated, still accepted while the secret is being changed."""
    wecom_callback_apps: Annotated[tuple[WecomCallbackApp, ...], *Listed] = ()
    """WeCom apps whose callbacks are taken (IM-28): a JSON list of ``{corpId, agentId?, token,
    encodingAesKey}``. While a token or key is being changed, the same app twice. Empty: nobody is
    heard."""
    wechat_callback_apps: Annotated[tuple[WechatCallbackApp, ...], *Listed] = ()
    """The same for WeChat: ``{appId, token, encodingAesKey?}``, without the key in plain."""
    previews_url: str = Field(default="", pattern=r"^(https?://\S+[^/])?$")
    """Where the scheduler is reached from here: it knows what a preview's page shows. Empty: pages
    show the task's name only."""
    ingest_replay_window: timedelta = Field(default=timedelta(minutes=5), gt=timedelta())
    """How far from now WeCom or WeChat may have signed a callback."""
    ingest_body_bytes: int = Field(default=3 * 1_024 * 1_024, ge=1_024)
    """Largest body. Meta sends up to 3 MB; a smaller limit loses events."""
    ingest_body_within: timedelta = timedelta(seconds=10)
    """How long a body may take to arrive; a caller that trickles would hold a place for ever."""
    ingest_publish_within: timedelta = timedelta(milliseconds=800)
    """How long the broker may take. Meta counts answers above 1 s against us."""
    ingest_in_flight: int = Field(default=256, ge=1)
    """Callbacks worked on at once; each further one is answered 503 at once."""
    ingest_in_flight_bytes: int = Field(default=32 * 1_024 * 1_024, ge=1_024)
    """Bytes of the bodies worked on at once; bounds the memory, since one may be large."""

    ingest_head_within: timedelta = Field(default=timedelta(seconds=4), gt=timedelta())
    """How long a request's headers may take; with the body's time, who trickles is gone in 15 s."""
    ingest_head_bytes: int = Field(default=32 * 1_024, ge=1_024)
    """Address and headers of a request. Providers send less than 2 KB."""
    ingest_connections: int = Field(default=4_096, ge=1)
    """Callers connected at once; who comes beyond that is hung up on."""
    ingest_rate_per_source: float = Field(default=2_000, gt=0)
    """Requests a second from one address, in the long run. Meta calls from many addresses."""
    ingest_rate_burst: int = Field(default=4_000, ge=1)
    """Requests from one address at once."""
    ingest_sources: int = Field(default=20_000, ge=1)
    """Addresses whose rate is remembered; bounds the memory."""
    ingest_trusted_proxies: Networks = ()
    """Whose X-Forwarded-For is believed: addresses or networks, comma-separated. None by default:
    anybody could write one and be another source each time."""

    @field_validator("whatsapp_webhook_verify_token", "whatsapp_app_secret")
    @classmethod
    def _names_one(cls, given: SecretStr) -> SecretStr:
        if not _words(given):
            raise ValueError("must hold at least one word")
        return given

    @field_validator("ingest_in_flight_bytes")
    @classmethod
    def _the_largest_body_fits(cls, size: int, info: ValidationInfo) -> int:
        if size < info.data.get("ingest_body_bytes", 0):
            raise ValueError("must not be below INGEST_BODY_BYTES, whose bodies would find no room")
        return size

    @property
    def app_secrets(self) -> tuple[bytes, ...]:
        """All accepted app secrets, the present ones first."""
        return _words(self.whatsapp_app_secret) + _words(self.whatsapp_app_secret_previous)

    @property
    def verify_tokens(self) -> tuple[bytes, ...]:
        """All accepted verify tokens."""
        return _words(self.whatsapp_webhook_verify_token)

    @property
    def limits(self) -> Limits:
        """What a caller may take before we see its request."""
        return Limits(self.ingest_head_within, self.ingest_head_bytes, self.ingest_connections)


def _words(secret: SecretStr) -> tuple[bytes, ...]:
    words: Sequence[str] = secret.get_secret_value().split(",")
    return tuple(word.strip().encode() for word in words if word.strip())
