"""What one call to a provider can end in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from domain.failures import Failure
from domain.identity import ProviderMessageId


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took the message and named it."""

    provider_message_id: ProviderMessageId
    refused: Mapping[str, Failure] = field(default_factory=dict[str, Failure])
    """Those of several recipients that it will not go to; the others' results follow."""


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
    ACCOUNT = "account"
    """So do those of all our sending accounts at this provider: they share what is used up."""
    RECIPIENT = "recipient"
    """Only this recipient's wait."""


@dataclass(frozen=True, slots=True)
class Throttled:
    """Nothing was sent because there was no room; the message is not at fault (IM-14)."""

    failure: Failure
    scope: Scope
    retry_after: timedelta | None = None
    """How long the provider asked whom it concerns to wait, where it did."""


@dataclass(frozen=True, slots=True)
class InDoubt:
    """The request left us and no answer that counts came back: it may have been sent (IM-08)."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class SenderBroken:
    """Nothing was sent: the account's token, payment or standing is at fault, not the message.

    Whatever else it is asked to send would end the same way.
    """

    failure: Failure


Reply = Accepted | Rejected | Deferred | Throttled | SenderBroken | InDoubt
