"""Which record types there are, and what stands for each in the documents."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, get_args

import msgspec

from schemas.topics.provider_events import (
    PROVIDER_EVENTS,
    CallbackEvent,
    CustomerServiceEvent,
    DispatchEvent,
    FeedbackGiven,
    MediaEvent,
    StatusReported,
)
from schemas.topics.registry import REGISTRY, Entry
from schemas.topics.topic import Outgoing

EXAMPLES: Final = Path(__file__).parents[1] / "examples"


_EXAMPLE_AT: Final = datetime(2026, 3, 2, 9, 30, 1, tzinfo=UTC)


_WRITERS = (
    (DispatchEvent, "dispatcher"),
    (CallbackEvent | FeedbackGiven, "ingest_webhook"),
    (StatusReported, "dispatcher"),
    (MediaEvent, "fetcher"),
    (CustomerServiceEvent, "fetcher"),
)


@dataclass(frozen=True, slots=True)
class Contract:
    """One record type of one topic, with its example."""

    entry: Entry
    model: type[msgspec.Struct]

    @property
    def name(self) -> str:
        """The name of its files: ``SendRequested`` is ``send-requested``."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", self.model.__name__).lower()

    @property
    def example(self) -> Mapping[str, Any]:
        """The content of its example file."""
        return msgspec.json.decode(self.example_bytes, type=dict[str, Any])

    @property
    def example_bytes(self) -> bytes:
        """The bytes of its example file."""
        return (EXAMPLES / f"{self.name}.json").read_bytes()

    @property
    def example_record(self) -> Outgoing:
        """The example as it stands on the topic, with its key and headers."""
        topic = self.entry.topic
        return topic.record(
            topic.decode(self.example_bytes),
            source=f"/sendtrail/{self.written_by[0]}",
            at=_EXAMPLE_AT,
        )

    @property
    def written_by(self) -> tuple[str, ...]:
        """Who writes this record type: on `provider-events` mostly one, the first where two do."""
        if self.entry.topic is not PROVIDER_EVENTS:
            return self.entry.written_by
        return tuple(who for events, who in _WRITERS if self.model in models_of(events))

    @property
    def event_type(self) -> str:
        """Its CloudEvents type, with the version."""
        return dict(self.example_record.headers)["ce_type"].decode()


def contracts() -> list[Contract]:
    """Return every record type, topic by topic."""
    return [Contract(entry, model) for entry in REGISTRY for model in models_of(entry.topic.model)]


def models_of(model: Any) -> tuple[type[msgspec.Struct], ...]:  # noqa: ANN401 - a union is no type
    """Return the record types of a topic: the union's members, or the model alone."""
    return get_args(model) or (model,)
