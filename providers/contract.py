"""What a channel must be able to do; each package beside this file is one.

A `Channel` makes one call and says what it ended in. It never retries, never waits for a limit
and never raises for what a provider or a network may do: all of that is a `Reply`.
"""

from dataclasses import dataclass
from typing import Protocol

from domain.identity import MessageId, SenderId
from domain.outcomes import Reply
from schemas.topics.send_requests import Content


@dataclass(frozen=True, slots=True)
class Message:
    """What a channel is asked to send."""

    message_id: MessageId
    """Given to the provider where it can carry it, so that its callbacks name it."""
    sender_id: SenderId
    recipient: str
    """In the channel's own spelling; WhatsApp: E.164 with its plus."""
    content: Content


class Channel(Protocol):
    """One provider's way of sending."""

    async def send(self, message: Message) -> Reply:
        """Call the provider once. Cancelling leaves the outcome in doubt."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...
