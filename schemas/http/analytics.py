"""Body and answer of ``POST /api/v1/analytics/events`` (AN-02 to AN-05, IM-50)."""

from typing import Annotated, Any

import msgspec

from schemas.http.envelope import Shape
from schemas.topics.records import Command

MOST_EVENTS = 500


class TrackEvents(Command, frozen=True, kw_only=True, rename="camel"):
    """What happened in a console, several at a time."""

    events: Annotated[
        list[Any],
        msgspec.Meta(
            min_length=1,
            max_length=MOST_EVENTS,
            description=(
                "Each an object with its `type`, the fields of that type as on `tracking-events`,"
                " when it happened (`at`; without it: now), and an `id` that a repetition carries"
                " again. `status_polling_success`: messageId, pollingCount."
                " `status_polling_failure`: errorMessage. `message_retry_click`: messageId,"
                " failureReason. `message_retry_success`: originalMessageId, newMessageId."
            ),
        ),
    ]


class RefusedEvent(Shape):
    """One event that is not kept, and why; its neighbours are."""

    index: int
    """Its place among the events, from 0."""
    field: str
    problem: str


class EventsTracked(Shape):
    """What became of the events."""

    accepted: int
    refused: list[RefusedEvent]
