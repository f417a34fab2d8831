"""One record as it came, and its place in Kafka."""

from dataclasses import dataclass

from schemas.topics.provider_events import (
    FeedbackGiven,
    MediaLost,
    MediaStored,
    MessageEvent,
    MessageReceived,
    NoticeReceived,
)
from schemas.topics.send_requests import SendRequested
from schemas.topics.task_changes import TaskEvent
from schemas.topics.topic import Headers

Aside = MessageReceived | NoticeReceived | FeedbackGiven | MediaStored | MediaLost | TaskEvent
"""What is kept as it comes: it speaks of no message that we sent."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """The place of a record in Kafka."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Heard:
    """One record of the batch, as it came."""

    trigger: Trigger
    value: SendRequested | MessageEvent | Aside
    key: bytes | None
    raw: bytes
    headers: Headers
