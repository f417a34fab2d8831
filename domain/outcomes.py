"""What one call to a provider can end in."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from domain.failures import Failure
from domain.identity import ProviderMessageId


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took the message and named it."""

    provider_message_id: ProviderMessageId


@dataclass(frozen=True, slots=True)
class Rejected:
    """The provider refused the message for good."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Deferred:
    """Nothing was sent, and a later attempt may succeed."""

    failure: Failure
    retry_after: timedelta | None = None
    """How long the provider asked us to wait, where it did."""


class Scope(StrEnum):
    """Whom a provider's limit concerns."""

    SENDER = "sender"
    """All messages of the sending account wait."""
    RECIPIENT = "recipient"
    """Only this recipient's wait."""


@dataclass(frozen=True, slots=True)
class Throttled:
    """Nothing was sent because there was no room; the message is not at fault (IM-14)."""

    failure: Failure
    scope: Scope
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class InDoubt:
    """The request left us and no answer that counts came back: it may have been sent (IM-08)."""

    failure: Failure


Reply = Accepted | Rejected | Deferred | Throttled | InDoubt
