"""What the projector reads from the environment."""

import os
import socket
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Annotated

from pydantic import Field, StringConstraints
from pydantic_settings import BaseSettings, SettingsConfigDict

from runtime.auth import AuthSettings
from runtime.daily_limits import DailyLimitSettings
from runtime.kafka.sealing import TopicKeySettings
from runtime.settings import DatabaseSettings
from runtime.vault import VaultSettings
from services.status_projector.prices import DEFAULT_PRICES, Prices

Price = Annotated[Decimal, Field(ge=0, le=1_000, max_digits=12)]


def _owner() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


class PriceSettings(BaseSettings):
    """Each field is the environment variable of the same name."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    message_prices: Mapping[str, Price] = Field(default_factory=dict[str, Decimal])
    """JSON: what a message of each type costs, ``{"template": "0.009", "other": "0.005"}``; types
    that it does not name keep their price (SC-03, CF-43)."""
    message_currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = "USD"
    """In which currency the prices are."""

    @property
    def prices(self) -> Prices:
        """The price of each type."""
        return Prices({**DEFAULT_PRICES, **self.message_prices}, self.message_currency)


class ProjectorSettings(
    DatabaseSettings,
    AuthSettings,
    VaultSettings,
    TopicKeySettings,
    DailyLimitSettings,
    PriceSettings,
):
    """Each field is the environment variable of the same name."""

    http_port: int = 8082
    projector_batch: int = 2_000
    """Records applied in one transaction; big batches are quick ones."""
    projector_park_for: timedelta = timedelta(minutes=15)
    """How long an event waits for its message before it goes to the DLQ (IM-07)."""
    projector_owner: str = Field(default_factory=_owner)
    """Names this process in the table of applied offsets, and its Kafka transactions; a random part
    is added at each start."""
    projector_transaction_within: timedelta = timedelta(seconds=6)
    """The broker aborts a transaction that lasts longer: an open one stalls its readers."""
    projector_live_keep: int = Field(default=30_000, ge=1)
    """Events kept for live clients that come back, each about 1 kB; a minute at 500 changes/s."""
    message_retention: timedelta = timedelta(days=365)
    """Months of which all is older are dropped (SE-02)."""
    projector_stale_after: timedelta = timedelta(minutes=30)
    """A sent message without any callback for so long counts as stale (IM-54)."""
    projector_stale_share: float = Field(default=0.05, gt=0, le=1)
    """It alerts when so large a part of a sender's hour is stale."""
