"""What a topic is: its name, its key, its codec and its headers, in one typed value.

Metadata travels as CloudEvents 1.0 in Kafka's binary mode: the value is the bare data, the
attributes are headers with the prefix ``ce_``.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, Generic, TypeVar

import msgspec

Headers = tuple[tuple[str, bytes], ...]

T = TypeVar("T")

_PLACE = " - at `"
_WHOLE = "$"
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""The escape, unless its backslash is itself escaped."""
_SPECVERSION = ("ce_specversion", b"1.0")
EVENT_ID = "ce_id"
"""The header with what every repetition of a record carries; records of others may lack it."""
EVENT_TYPE = "ce_type"
"""The header with a record's CloudEvents type; records of others may lack it."""
_CONTENT_TYPE = ("content-type", b"application/json")
SEALED = "sealed"
"""The header of a record whose value is sealed: the name of the key."""
_REPEATED = re.compile(r"^(Invalid (?:enum )?value) .*", re.DOTALL)
"""How msgspec begins where it repeats the value: it may be somebody's words."""


class MalformedRecord(ValueError):
    """The bytes are no record of this topic; ``field`` names where, ``problem`` says what."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record ready for the broker."""

    topic: str
    key: bytes
    value: bytes
    headers: Headers


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic(Generic[T]):
    """One topic and everything that is true of each of its records."""

    name: str
    model: Any
    """The record's type: a struct, or a tagged union of structs."""
    key: Callable[[T], str]
    """What keeps its order (IM-03)."""
    key_meaning: str
    """What the key is, in words, for the generated documents."""
    event_id: Callable[[T], str]
    """The same for each repetition of the same statement (IM-04)."""
    subject: Callable[[T], str]
    """What the record is about: all records of one subject share a trace (IM-34)."""
    event_type: Callable[[T], str]
    """CloudEvents type with its version."""
    purpose: str
    """One sentence for the generated documents."""
    retention: timedelta
    """At most 7 days where records carry content (CF-33)."""
    is_sealed: bool = False
    """Whether values lie sealed on the broker: they carry people's words or addresses (CF-33)."""

    _decoder: msgspec.json.Decoder[T] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Build the decoder once: it compiles the model."""
        object.__setattr__(self, "_decoder", msgspec.json.Decoder(self.model))

    def decode(self, value: bytes | None) -> T:
        """Return the record; raise `MalformedRecord` naming the field otherwise."""
        if value is None:
            raise MalformedRecord(_WHOLE, "the record is empty")
        try:
            record = self._decoder.decode(value)
        except msgspec.ValidationError as error:
            raise _malformed(error) from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise MalformedRecord(_WHOLE, f"not JSON: {error}") from error
        # PostgreSQL keeps no NUL in a text: one such record would stop its partition for good.
        if b"\\u0000" in value and _NUL.search(value):
            raise MalformedRecord(_WHOLE, "contains the character NUL")
        return record

    def record(self, data: T, *, source: str, at: datetime) -> Outgoing:
        """Return the record for the broker."""
        return self.records([data], source=source, at=at)[0]

    def records(self, batch: Iterable[T], *, source: str, at: datetime) -> list[Outgoing]:
        """Return the records of one moment."""
        ce_source = ("ce_source", source.encode())
        ce_time = ("ce_time", at.isoformat().encode())
        records: list[Outgoing] = []
        for data in batch:
            event_id = self.event_id(data)
            headers = (
                _SPECVERSION,
                (EVENT_ID, event_id.encode()),
                (EVENT_TYPE, self.event_type(data).encode()),
                ce_source,
                ce_time,
                _CONTENT_TYPE,
                ("traceparent", traceparent(self.subject(data), event_id).encode()),
            )
            key = self.key(data).encode()
            records.append(Outgoing(self.name, key, msgspec.json.encode(data), headers))
        return records


def _malformed(error: msgspec.ValidationError) -> MalformedRecord:
    said, found, place = str(error).rpartition(_PLACE)
    problem = _REPEATED.sub(r"\1", said if found else place)
    return MalformedRecord(place.rstrip("`") if found else _WHOLE, problem)


def traceparent(subject: str, event_id: str) -> str:
    """Return the W3C trace context of an event.

    Derived, not handed on: request, reply, callbacks and changes of one message find into one
    trace though they come through processes and a provider that know nothing of it.
    """
    trace = blake2b(subject.encode(), digest_size=16).hexdigest()
    span = blake2b(event_id.encode(), digest_size=8).hexdigest()
    return f"00-{trace}-{span}-01"


def header(headers: Headers, name: str) -> str | None:
    """Return a header's text, None where it is missing; bytes that are no text show as such."""
    for key, value in headers:
        if key == name:
            return value.decode(errors="replace")
    return None
