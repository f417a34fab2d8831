"""A channel that is asked for results and for lost messages, and answers as a test tells it to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

from aiokafka import TopicPartition

from domain.admission import ChannelLimits
from domain.failures import ErrorCode, Failure, Origin
from domain.identity import ProviderMessageId
from domain.outcomes import Accepted, Reply
from providers.contract import AskLater, Found, Message, Polled, Sent
from schemas.topics.contents import Content
from schemas.topics.provider_events import FailureReason, StatusReported
from schemas.topics.send_requests import SEND_REQUESTS, SendRequested, conversation_of
from services.dispatcher.work import Asked, nothing
from tests.given import NOON, a_failure, a_send_request

GAZETTE = "gazette"

UNCONFIRMED = FailureReason(code=ErrorCode.INVALID_RECIPIENT, origin=Origin.LOCAL, detail="late")


@dataclass
class Clock:
    """A clock that a test sets."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self.now += by


@dataclass
class Gazette:
    """A newspaper: each message goes to subscribers, whose results the provider gathers."""

    subscribers: Sequence[str] = ("ada", "bob")
    got: dict[str, str] = field(default_factory=dict[str, str])
    """Whose result is there: sent, failed."""
    cannot_tell: bool = False
    breaks: Callable[[], None] | None = None
    found: Mapping[str, str] = field(default_factory=dict[str, str])
    """Provider's ids of lost messages, by ours; where several may be it, with spaces between."""
    polls: list[tuple[str, frozenset[str]]] = field(
        default_factory=list[tuple[str, frozenset[str]]]
    )
    """What was asked for: which message, who was known."""
    finds: list[tuple[str, datetime]] = field(default_factory=list[tuple[str, datetime]])

    @property
    def limits(self) -> ChannelLimits:
        return ChannelLimits()

    def address(self, recipient: str) -> str:
        return recipient

    def problem(self, message: Message) -> Failure | None:
        del message
        return None

    def is_free_form(self, content: Content) -> bool:
        del content
        return False

    async def send(self, message: Message) -> Reply:
        return Accepted(ProviderMessageId(f"g.{message.message_id}"))

    def is_polled(self, content: Content) -> bool:
        del content
        return True

    async def poll(self, sent: Sent) -> Polled:
        self.polls.append((sent.message.message_id, sent.already))
        if self.breaks is not None:
            self.breaks()
        if self.cannot_tell:
            raise AskLater("dispatching")
        results = [
            self._result(sent, who, status, sent.accepted_at + timedelta(seconds=30))
            for who, status in self.got.items()
            if who not in sent.already
        ]
        return Polled(results, complete=set(self.subscribers) <= set(self.got) | sent.already)

    def unanswered(self, sent: Sent, *, at: datetime) -> Sequence[StatusReported]:
        return [
            self._result(sent, who, "late", at)
            for who in self.subscribers
            if who not in sent.already
        ]

    async def find(self, message: Message, *, called_at: datetime) -> Sequence[Found]:
        self.finds.append((message.message_id, called_at))
        if self.cannot_tell:
            raise AskLater("dispatching")
        names = self.found.get(message.message_id, "").split()
        return [Found(ProviderMessageId(name), called_at) for name in names]

    async def close(self) -> None:
        """Nothing is open."""

    def _result(self, sent: Sent, who: str, status: str, at: datetime) -> StatusReported:
        failures = {"failed": a_failure(), "late": UNCONFIRMED}
        return StatusReported(
            channel=GAZETTE,
            provider_message_id=sent.provider_message_id,
            message_id=sent.message.message_id,
            status="sent" if status == "sent" else "failed",
            occurred_at=at,
            participant=who,
            failure=failures.get(status),
        )


def an_issue() -> SendRequested:
    """Return a request for a message to the subscribers of one edition."""
    return a_send_request(channel=GAZETTE, recipient=f"edition-{uuid4().hex}")


def from_the_stream(request: SendRequested) -> Asked:
    """Return the request as it comes to be claimed."""
    raw = SEND_REQUESTS.record(request, source="/test", at=NOON).value
    place = TopicPartition(SEND_REQUESTS.name, 0)
    return Asked(request, raw, conversation_of(request), place, nothing, nothing)
