"""One message in a dispatcher's hands."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from aiokafka import TopicPartition

from domain.identity import MessageId, ProviderMessageId, SenderId
from domain.ledger import Verdict
from providers.contract import Channel, Message
from schemas.topics.send_requests import SendRequested


def nothing() -> None:
    """Do nothing: for work that came from the ledger and holds no record of the stream."""


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


@dataclass(frozen=True, slots=True, eq=False)
class Claimed:
    """A message that this process may call the provider for."""

    request: SendRequested
    raw: bytes
    attempt: int
    claimed_at: datetime
    throttled: int
    """How many attempts before this one found no room at the provider."""
    owner: str
    """Whose claim it is in the ledger; only under this name is its outcome entered."""
    done: Callable[[], None] = nothing


@dataclass(frozen=True, slots=True, eq=False)
class Ended:
    """An attempt that has ended, and what follows from it."""

    work: Claimed
    verdict: Verdict
    at: datetime


def message_of(request: SendRequested, channel: Channel) -> Message:
    """Return what the channel is asked to send. Raises `InvalidRecipient`."""
    return Message(
        MessageId(request.message_id),
        SenderId(request.sender_id),
        channel.address(request.recipient),
        request.content,
        None if request.reply_to is None else ProviderMessageId(request.reply_to),
    )
