"""Every topic there is: who writes it, who reads it, how many partitions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from schemas.topics.provider_events import PROVIDER_EVENTS
from schemas.topics.send_requests import SEND_REQUESTS
from schemas.topics.status_changes import STATUS_CHANGES
from schemas.topics.task_changes import TASK_CHANGES
from schemas.topics.topic import Topic
from schemas.topics.tracking_events import TRACKING_EVENTS

PARTITIONS = 12
"""Bounds the parallelism of a consumer group; one number for all, so that what is keyed alike
lies alike: a message's facts and its changes have the same partition number."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A topic and its place in the flow."""

    topic: Topic[Any]
    written_by: tuple[str, ...]
    read_by: tuple[str, ...]

    @property
    def rejected_by(self) -> tuple[str, ...]:
        """The services of ours that read it: each puts what it cannot apply on the DLQ."""
        return tuple(reader for reader in self.read_by if reader != "anyone")


REGISTRY: tuple[Entry, ...] = (
    Entry(
        SEND_REQUESTS, ("upstream", "scheduler", "dispatcher"), ("dispatcher", "status_projector")
    ),
    Entry(
        PROVIDER_EVENTS,
        ("ingest_webhook", "dispatcher", "fetcher"),
        ("status_projector", "fetcher", "dispatcher"),
    ),
    Entry(STATUS_CHANGES, ("status_projector",), ("scheduler", "statistics", "anyone")),
    Entry(TASK_CHANGES, ("scheduler",), ("status_projector", "anyone")),
    Entry(TRACKING_EVENTS, ("scheduler",), ("anyone",)),
)

DEAD_LETTER_SUFFIX = ".dlq"
DEAD_LETTER_PARTITIONS = 1
"""People read them, in order; there are few."""
DEAD_LETTER_RETENTION = timedelta(days=7)


def dead_letter_topic(topic: str) -> str:
    """Return the name of the topic that keeps a topic's rejected records."""
    return topic + DEAD_LETTER_SUFFIX


SEALED_FOR: Final[Mapping[str, str]] = {
    name: entry.topic.name
    for entry in REGISTRY
    if entry.topic.is_sealed
    for name in (entry.topic.name, dead_letter_topic(entry.topic.name))
}
"""The topics on which values lie sealed, each with the one for which they are: a rejected record
stays as it is in the DLQ, and opens once it is put back."""
