"""``<topic>.dlq``: the original bytes of what was rejected, with the reason in headers (IM-10)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from schemas.topics.registry import dead_letter_topic
from schemas.topics.topic import Headers, Outgoing


class Reason(StrEnum):
    """Why a record was rejected."""

    MALFORMED = "malformed"
    """Not JSON, or not a record of its topic; the detail names the field."""
    UNKNOWN_MESSAGE = "unknown_message"
    """Nobody named the message it speaks of within the deadline (IM-07)."""
    NOT_APPLICABLE = "not_applicable"
    """Well formed, but applying it failed for good; the detail says how."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record stood."""

    topic: str
    partition: int
    offset: int


def dead_letter(
    *, place: Place, key: bytes | None, value: bytes | None, headers: Headers, why: "Why"
) -> Outgoing:
    """Return the record for the topic's DLQ: same key, bytes and headers, plus the reason."""
    reasons: Headers = (
        ("dlq_reason", why.reason.encode()),
        ("dlq_detail", why.detail.encode()),
        ("dlq_topic", place.topic.encode()),
        ("dlq_partition", str(place.partition).encode()),
        ("dlq_offset", str(place.offset).encode()),
        ("dlq_at", why.at.isoformat().encode()),
        ("dlq_by", why.by.encode()),
    )
    return Outgoing(
        dead_letter_topic(place.topic), key or b"", value or b"", tuple(headers) + reasons
    )


@dataclass(frozen=True, slots=True)
class Why:
    """The reason of a rejection, when and by which service."""

    reason: Reason
    detail: str
    at: datetime
    by: str
