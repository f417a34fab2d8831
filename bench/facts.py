"""Messages' lives as the projector hears them, dealt into batches as a busy stream would.

Each batch holds the requests of one group of messages, the starts of the group before, the replies
of the group before that, and so on: about a thousand records, each of another message.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Literal
from zlib import crc32

import msgspec

from bench.arena import SENDERS
from schemas.topics.contents import TextContent
from schemas.topics.provider_events import (
    PROVIDER_EVENTS,
    ProviderEvent,
    SendAccepted,
    SendStarted,
    StatusReported,
)
from schemas.topics.send_requests import SEND_REQUESTS, SendRequested
from services.status_projector.heard import Heard, Trigger

Record = SendRequested | ProviderEvent

GROUP = 167
"""Six records a message: a batch of a thousand."""


def batches(groups: int, run: str) -> list[list[Heard]]:
    """Return the batches in which so many groups live their whole lives."""
    moment, offsets = datetime.now(UTC), count()
    return [
        [
            _heard(told(f"bench-{run}-{number - age}-{member}", moment), next(offsets))
            for age, told in enumerate(_LIFE)
            if 0 <= number - age < groups
            for member in range(GROUP)
        ]
        for number in range(groups + len(_LIFE) - 1)
    ]


def names_of(batch: Sequence[Heard]) -> Iterator[str]:
    """Return the message id of each record."""
    for heard in batch:
        value = heard.value
        if isinstance(value, SendRequested | SendStarted | SendAccepted):
            yield value.message_id
        elif isinstance(value, StatusReported):
            yield value.message_id or ""


def _heard(record: Record, offset: int) -> Heard:
    topic = SEND_REQUESTS if isinstance(record, SendRequested) else PROVIDER_EVENTS
    return Heard(Trigger(topic.name, 0, offset), record, b"k", msgspec.json.encode(record), ())


def _asked(name: str, at: datetime) -> Record:
    return SendRequested(
        message_id=name,
        channel="whatsapp",
        sender_id=SENDERS[0],
        recipient=f"+1{crc32(name.encode()):010d}",
        content=TextContent(body="Hi Ada, your order A-17 is ready for pickup at Elm St."),
        requested_at=at,
    )


def _started(name: str, at: datetime) -> Record:
    return SendStarted(message_id=name, attempt=1, at=at)


def _accepted(name: str, at: datetime) -> Record:
    return SendAccepted(message_id=name, provider_message_id=f"wamid.{name}", attempt=1, at=at)


def _reported(status: Literal["sent", "delivered", "read"]) -> Callable[[str, datetime], Record]:
    def reported(name: str, at: datetime) -> Record:
        return StatusReported(
            channel="whatsapp",
            provider_message_id=f"wamid.{name}",
            message_id=name,
            status=status,
            occurred_at=at,
            sender_id=SENDERS[0],
        )

    return reported


_LIFE: Sequence[Callable[[str, datetime], Record]] = (
    _asked,
    _started,
    _accepted,
    _reported("sent"),
    _reported("delivered"),
    _reported("read"),
)
