"""One message in a dispatcher's hands."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from aiokafka import TopicPartition

from domain.admission import Hold
from domain.failures import Failure
from domain.identity import MessageId, ProviderMessageId, SenderId
from domain.ledger import Accept, Tries, Verdict
from providers.contract import Message
from schemas.topics.send_requests import SendRequested


def nothing() -> None:
    """Do nothing: for work that came from the ledger and holds no record of the stream."""


def sender_of(request: SendRequested) -> str:
    """Return the name under which its sending account's limits and lane are kept.

    Channel: providers give their account ids without knowing of each other.
    """
    return f"{request.channel}:{request.sender_id}"


def message_of(request: SendRequested, recipient: str) -> Message:
    """Return what the channel is asked to send; the recipient as it spells it."""
    return Message(
        MessageId(request.message_id),
        SenderId(request.sender_id),
        recipient,
        request.content,
        None if request.reply_to is None else ProviderMessageId(request.reply_to),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A request from the stream, not claimed yet."""

    request: SendRequested
    raw: bytes
    conversation: str
    place: TopicPartition
    done: Callable[[], None]
    """Finishes the record in the stream."""
    forget: Callable[[], None]
    """Lets go of it unfinished: its partition was taken away."""

    @property
    def message_id(self) -> str:
        """The message's."""
        return self.request.message_id

    @property
    def sender(self) -> str:
        """The account whose lane it is in."""
        return sender_of(self.request)

    @property
    def is_urgent(self) -> bool:
        """Whether somebody waits for it (TP-04, IM-13)."""
        return self.request.priority == "high"


@dataclass(frozen=True, slots=True, eq=False)
class Claimed:
    """A message that this process may call the provider for."""

    request: SendRequested
    raw: bytes
    tries: Tries
    claimed_at: datetime
    owner: str
    """Whose claim it is in the ledger; only under this name is its outcome entered."""
    message: Message
    """What the channel is asked to send: to those who may be written to."""
    refusal: Failure | None = None
    """Why it is not called but refused."""
    refused: Mapping[str, Failure] = field(default_factory=dict[str, Failure])
    """Those of several participants whom it is not sent to; told with its acceptance."""
    done: Callable[[], None] = nothing

    @property
    def attempt(self) -> int:
        """The number of the attempt; the first is 1."""
        return self.tries.attempt

    @property
    def sender(self) -> str:
        """The account that sends it."""
        return sender_of(self.request)

    def accepted(self, accept: Accept) -> Accept:
        """Return its acceptance with all whom it will not go to: refused by us, or there."""
        return replace(accept, refused={**self.refused, **accept.refused})


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """A message that is not called before a known time, and why."""

    message_id: str
    attempt: int
    """The number of the attempt that waits."""
    hold: Hold
    at: datetime


@dataclass(frozen=True, slots=True, eq=False)
class Ended:
    """An attempt that has ended, and what follows from it."""

    work: Claimed
    verdict: Verdict
    at: datetime
