"""What can go wrong with a message, and which words people are shown for it (ST-10, CF-38)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class ErrorCode(StrEnum):
    """Our error codes; every provider's code maps to one of them (CF-38)."""

    NETWORK_ERROR = "NETWORK_ERROR"
    WA_ACCOUNT_ABNORMAL = "WA_ACCOUNT_ABNORMAL"
    INVALID_RECIPIENT = "INVALID_RECIPIENT"
    DAILY_LIMIT_EXCEEDED = "DAILY_LIMIT_EXCEEDED"
    SEND_INTERVAL_LIMIT = "SEND_INTERVAL_LIMIT"
    UNKNOWN_OUTCOME = "UNKNOWN_OUTCOME"
    """The provider may or may not have it: never resent blindly (IM-08)."""
    UNKNOWN_ERROR = "UNKNOWN_ERROR"


PROMPTS: Final[dict[ErrorCode, str]] = {
    ErrorCode.NETWORK_ERROR: "Network connection failed. Click to retry.",
    ErrorCode.WA_ACCOUNT_ABNORMAL: "WhatsApp online status is abnormal. Please refresh the page.",
    ErrorCode.INVALID_RECIPIENT: "Recipient phone number is invalid.",
    ErrorCode.DAILY_LIMIT_EXCEEDED: "Daily limit per case exceeded.",
    ErrorCode.SEND_INTERVAL_LIMIT: "Send interval limit.",
    ErrorCode.UNKNOWN_OUTCOME: "Message send failed. Click to retry.",
    ErrorCode.UNKNOWN_ERROR: "Message send failed. Click to retry.",
}
"""The exact texts shown to people (ST-10)."""


class Origin(StrEnum):
    """Who says that a message failed; decides what later evidence may overrule it (IM-05)."""

    PROVIDER = "provider"
    """The provider refused or reported it. Nothing that happened later overrules it."""
    LOCAL = "local"
    """We concluded it (time-out, attempts used up, refused before the call). Evidence of
    success overrules it."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a message failed, in our words and in the provider's."""

    code: ErrorCode
    origin: Origin
    provider_code: str | None = None
    """The provider's own code as text, kept as received."""
    detail: str | None = None
    """The provider's own words; never shown in place of the prompt."""

    @property
    def prompt(self) -> str:
        """The text people are shown."""
        return PROMPTS[self.code]


class FailureClass(StrEnum):
    """What a failed attempt means for the next one (IM-09)."""

    RETRY = "retry"
    """Nothing was sent; the same call may succeed later."""
    SENDER_THROTTLED = "sender_throttled"
    """Nothing was sent: the sending account has no room now, whoever the recipient is."""
    RECIPIENT_THROTTLED = "recipient_throttled"
    """Nothing was sent: too much from this sender to this recipient."""
    REFUSED = "refused"
    """The provider will never accept this message."""
    SENDER_BROKEN = "sender_broken"
    """Nothing was sent: the sending account cannot send at all until somebody mends it."""
    IN_DOUBT = "in_doubt"
    """It may have been sent; calling again could send it twice (IM-08)."""
