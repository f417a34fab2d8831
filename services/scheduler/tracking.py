"""Which events of a console are taken: of known types, with their fields (AN, IM-50)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, Final, cast, get_args

import msgspec

from runtime.bodies import refuse_nul, wrong
from runtime.callers import Caller
from runtime.errors import InvalidInput
from schemas.topics.tracking_events import MESSAGE_STATUS_UPDATE, TrackedEvent

LATEST: Final = timedelta(days=1)
"""How far ahead of ours the clock of a browser may be."""
EARLIEST: Final = timedelta(days=30)
"""How long a browser may keep an event back; the topic keeps none longer."""

_TYPES: Final = {str(model.__struct_config__.tag): model for model in get_args(TrackedEvent)}
_OURS: Final = frozenset({"eventId", "recordedAt", "userId", "tenantId"})
"""Fields of the record that the caller does not give."""
_GIVEN: Final = frozenset({"type", "id", "at"})
"""Fields that every event may have."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An event that is not taken."""

    index: int
    error: InvalidInput


def sorted_out(
    events: Sequence[Any], caller: Caller, now: datetime
) -> tuple[list[TrackedEvent], list[Refusal]]:
    """Return the events to publish and those that are refused, each in the order given."""
    taken: list[TrackedEvent] = []
    refused: list[Refusal] = []
    for index, given in enumerate(events):
        try:
            taken.append(tracked(given, caller, now))
        except InvalidInput as error:
            refused.append(Refusal(index, error))
    return taken, refused


def tracked(given: Any, caller: Caller, now: datetime) -> TrackedEvent:  # noqa: ANN401 - any JSON
    """Return one event as a record. Raises `InvalidInput` naming the field."""
    if not isinstance(given, dict):
        raise InvalidInput("event", "must be an object")
    fields = cast("dict[str, Any]", given)
    model = _model(fields.get("type"))
    unknown = sorted(fields.keys() - (_names(model) - _OURS) - _GIVEN)
    if unknown:
        raise InvalidInput(unknown[0], f"is no field of {fields['type']}")
    refuse_nul(fields)
    record = {name: value for name, value in fields.items() if name != "id"} | {
        "eventId": fields.get("id", _derived_id(fields, caller, now)),
        "at": fields.get("at", now),
        "recordedAt": now,
        "userId": caller.user_id,
        "tenantId": caller.tenant_id,
    }
    try:
        event: TrackedEvent = msgspec.convert(record, TrackedEvent)
    except msgspec.ValidationError as error:
        named = wrong(error)
        raise InvalidInput(
            "id" if named.field == "eventId" else named.field, named.problem
        ) from error
    if not now - EARLIEST <= event.at <= now + LATEST:
        raise InvalidInput("at", "must lie within the last 30 days")
    return event


def _model(named: Any) -> type[msgspec.Struct]:  # noqa: ANN401 - any JSON
    if named == MESSAGE_STATUS_UPDATE:
        raise InvalidInput("type", "is on status-changes already, and is not tracked twice")
    if not isinstance(named, str) or named not in _TYPES:
        raise InvalidInput("type", f"must be one of {', '.join(_TYPES)}")
    return _TYPES[named]


def _names(model: type[msgspec.Struct]) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(model)}


def _derived_id(fields: dict[str, Any], caller: Caller, now: datetime) -> str:
    """Return the id of an event that brings none: who, what, and when it happened.

    Without a time of its own it is of this moment, and a repetition is another event.
    """
    told = msgspec.json.encode([caller.user_id, fields, None if "at" in fields else now])
    return blake2b(told, digest_size=16).hexdigest()
