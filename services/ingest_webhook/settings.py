"""What the ingester reads from the environment."""

from datetime import timedelta

from pydantic import AliasChoices, Field, SecretStr, ValidationInfo, field_validator

from runtime.settings import Settings


class IngesterSettings(Settings):
    """Each field is the environment variable of the same name."""

    http_port: int = 8081
    whatsapp_webhook_verify_token: SecretStr = Field(
        min_length=1,
        validation_alias=AliasChoices("WHATSAPP_WEBHOOK_VERIFY_TOKEN", "WEBHOOK_VERIFY_TOKEN"),
    )
    """What Meta repeats when the callback is registered (PC-04); the first name wins (CF-11)."""
    whatsapp_app_secret: SecretStr = Field(min_length=1)
    """Signs every callback (CF-11). An empty one would let anybody sign."""
    whatsapp_app_secret_previous: SecretStr = SecretStr("")
    """Earlier app secrets, comma-separated, still accepted while the secret is being changed."""
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

    @field_validator("ingest_in_flight_bytes")
    @classmethod
    def _the_largest_body_fits(cls, size: int, info: ValidationInfo) -> int:
        if size < info.data.get("ingest_body_bytes", 0):
            raise ValueError("must not be below INGEST_BODY_BYTES, whose bodies would find no room")
        return size

    @property
    def app_secrets(self) -> tuple[bytes, ...]:
        """All accepted app secrets, the present one first."""
        previous = self.whatsapp_app_secret_previous.get_secret_value().split(",")
        present = self.whatsapp_app_secret.get_secret_value()
        return tuple(secret.strip().encode() for secret in (present, *previous) if secret.strip())
