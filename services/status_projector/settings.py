"""What the projector reads from the environment."""

import os
import socket
from datetime import timedelta

from pydantic import Field

from runtime.auth import AuthSettings
from runtime.settings import DatabaseSettings
from runtime.vault import VaultSettings


def _owner() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


class ProjectorSettings(DatabaseSettings, VaultSettings, AuthSettings):
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
    message_retention: timedelta = timedelta(days=365)
    """Months of which all is older are dropped (SE-02)."""
    projector_stale_after: timedelta = timedelta(minutes=30)
    """A sent message without any callback for so long counts as stale (IM-54)."""
    projector_stale_share: float = Field(default=0.05, gt=0, le=1)
    """It alerts when so large a part of a sender's hour is stale."""
