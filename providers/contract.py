"""What a channel must be able to do; each package beside this file is one.

A `Channel` makes one call and says what it ended in. It never retries, never waits for a limit
and never raises for what a provider or a network may do: all of that is a `Reply`. Which channels
there are, `providers.channels` finds out; one of somebody else's needs nothing but an entry point.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from domain.admission import ChannelLimits
from domain.failures import Failure
from domain.identity import MessageId, ProviderMessageId, SenderId
from domain.outcomes import Reply
from schemas.topics.contents import Content
from schemas.topics.provider_events import StatusReported


@dataclass(frozen=True, slots=True)
class Message:
    """What a channel is asked to send."""

    message_id: MessageId
    """Given to the provider where it can carry it, so that its callbacks name it."""
    sender_id: SenderId
    recipient: str
    """As `Channel.address` spells it."""
    content: Content
    reply_to: ProviderMessageId | None = None
    """The message it answers, where the channel can show that."""


class Channel(Protocol):
    """One provider's way of sending."""

    @property
    def limits(self) -> ChannelLimits:
        """What the provider lets a sending account do."""
        ...

    def address(self, recipient: str) -> str:
        """Return the one spelling of a recipient. Raises `domain.recipients.InvalidRecipient`."""
        ...

    def problem(self, message: Message) -> Failure | None:
        """Return why it could never be sent, before anything is counted or called."""
        ...

    def is_free_form(self, content: Content) -> bool:
        """Tell whether it may be sent only while `ChannelLimits.window` is open (IM-26)."""
        ...

    async def send(self, message: Message) -> Reply:
        """Call the provider once. Cancelling leaves the outcome in doubt."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """A send at the provider that may be the one of a message in doubt."""

    provider_message_id: ProviderMessageId
    created_at: datetime
    """By the provider's clock."""


@runtime_checkable
class Finder(Protocol):
    """A channel whose provider can be asked what became of a call without an answer."""

    async def find(self, message: Message, *, called_at: datetime) -> Sequence[Found]:
        """Return the sends that may have come of the call, the likeliest first; none (yet).

        Whichever belongs to another message is left out by the caller, who knows those.
        Raises `AskLater` where the provider cannot tell now.
        """
        ...


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that the provider took and whose results have to be asked for."""

    message: Message
    provider_message_id: ProviderMessageId
    accepted_at: datetime
    already: frozenset[str]
    """The participants whose results are known."""


@dataclass(frozen=True, slots=True)
class Polled:
    """What one round of asking brought."""

    results: Sequence[StatusReported]
    """Of participants that were not known yet; each final."""
    complete: bool
    """Whether every target has its result."""


@runtime_checkable
class Poller(Protocol):
    """A channel whose provider tells results only when asked (CF-12)."""

    def is_polled(self, content: Content) -> bool:
        """Tell whether the results of such a message have to be asked for."""
        ...

    async def poll(self, sent: Sent) -> Polled:
        """Ask once. Raises `AskLater`."""
        ...

    def unanswered(self, sent: Sent, *, at: datetime) -> Sequence[StatusReported]:
        """Return what is said of the targets without a result when waiting for them is over."""
        ...


@runtime_checkable
class Blamer(Protocol):
    """A channel that knows of which of its provider's codes no sender is to blame (IM-55)."""

    def is_of_message(self, failure: Failure) -> bool:
        """Tell whether the failure speaks of one message alone: its recipient, or its content."""
        ...


@runtime_checkable
class Reader(Protocol):
    """A channel that shows people that what they wrote was read."""

    async def mark_read(
        self, sender_id: SenderId, provider_message_id: ProviderMessageId
    ) -> Failure | None:
        """Say it once of a message, and of all before it; return why that did not work."""
        ...


@runtime_checkable
class Multicaster(Protocol):
    """A channel one message of which may be for several participants."""

    def participants(self, message: Message) -> Sequence[str]:
        """Return whom it is for, each as opt-outs know them; none where the recipient says it."""
        ...

    def without(self, message: Message, unwanted: Collection[str]) -> Message:
        """Return the message for the other participants, of whom there is at least one."""
        ...


@runtime_checkable
class Headcounter(Protocol):
    """A channel whose provider counts people where we count messages (LM-08, WX 12)."""

    def counted(self, message: Message) -> Sequence[str]:
        """Return the people whom the limits of sender and pair count it for, each once.

        None where it counts once, for its recipient.
        """
        ...


@runtime_checkable
class Advertiser(Protocol):
    """A channel that tells offers and announcements from other messages (IM-21)."""

    def is_marketing(self, content: Content) -> bool:
        """Tell whether an opt-out of marketing messages is about such a message."""
        ...


class AskLater(Exception):
    """The provider cannot say now; the argument is a word or two for logs, never an address."""
