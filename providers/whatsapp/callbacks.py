"""What a WhatsApp callback tells us (PC-01, PC-05…PC-07, CF-09).

Two shapes say the same, at either address: Meta's Graph envelope, which may carry up to 1,000
updates of several accounts and numbers, and one flat status. A part that cannot be read never costs
its neighbours: Meta repeats a callback as a whole or not at all, so it is left out and reported.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, cast

import msgspec

from providers.whatsapp.callback_parts import (
    Event,
    MalformedCallback,
    UnknownStatus,
    flat_status,
    message,
    sender_of,
    status,
)

_OURS: Final = "whatsapp_business_account"
_MESSAGES: Final = "messages"
_SHOWN = 60
"""Characters of an unknown word that are kept for the log."""

_Object = dict[str, Any]


class Reason(StrEnum):
    """Why a part of an authentic callback became no event."""

    UNKNOWN_STATUS = "unknown_status"
    """A status that changes nothing for us: ``played``, ``deleted``, or one of the future."""
    UNKNOWN_FIELD = "unknown_field"
    """A subscription other than ``messages``: account, number and template notices."""
    UNKNOWN_OBJECT = "unknown_object"
    """A callback about another of Meta's products (PC-05)."""
    ACCOUNT_ERROR = "account_error"
    """An error of the account or app as a whole, about no message."""
    MALFORMED = "malformed"
    """It does not have the documented shape."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """One part that became no event."""

    reason: Reason
    where: str
    """Its path in the body: ``entry[0].changes[0].value.statuses[2].timestamp``."""
    what: str
    """The unknown word, or what is wrong. Never content."""


@dataclass(frozen=True, slots=True)
class Callback:
    """Everything one body said, in the order in which it said it."""

    events: tuple[Event, ...]
    ignored: tuple[Ignored, ...]


def parse(body: bytes) -> Callback:
    """Return what the raw bytes of an authentic callback say.

    The same bytes give equal events with equal ids, so a repeated callback changes nothing (IM-04).
    Raises `MalformedCallback` where nothing can be read: no JSON object, or a flat status with a
    wrong field.
    """
    tree = _decode(body)
    if not isinstance(tree, dict):
        raise MalformedCallback("body", "must be a JSON object")
    whole = cast("_Object", tree)
    reader = _Reader()
    if "object" in whole:
        reader.read_envelope(whole)
    else:
        reader.read_flat(whole)
    return Callback(tuple(reader.events), tuple(reader.ignored))


@dataclass(slots=True)
class _Reader:
    """Collects what one body says."""

    events: list[Event] = field(default_factory=list[Event])
    ignored: list[Ignored] = field(default_factory=list[Ignored])

    def read_flat(self, whole: _Object) -> None:
        try:
            self.events.append(flat_status(whole))
        except UnknownStatus as unknown:
            self._ignore(Reason.UNKNOWN_STATUS, "status", unknown.word)

    def read_envelope(self, envelope: _Object) -> None:
        if envelope["object"] != _OURS:
            self._ignore(Reason.UNKNOWN_OBJECT, "object", envelope["object"])
            return
        for entry_at, entry in self._objects(envelope, "entry", ""):
            for change_at, change in self._objects(entry, "changes", f"{entry_at}."):
                self._read_change(change, change_at)

    def _read_change(self, change: _Object, where: str) -> None:
        if change.get("field") != _MESSAGES:
            self._ignore(Reason.UNKNOWN_FIELD, f"{where}.field", change.get("field"))
            return
        value = change.get("value")
        if not isinstance(value, dict):
            self._ignore(Reason.MALFORMED, f"{where}.value", "must be an object")
            return
        self._read_value(cast("_Object", value), f"{where}.value.")

    def _read_value(self, value: _Object, prefix: str) -> None:
        sender = sender_of(value)
        self._read_statuses(value, prefix, sender)
        self._read_messages(value, prefix, sender)
        for where, part in self._objects(value, "errors", prefix):
            self._ignore(Reason.ACCOUNT_ERROR, where, part.get("code"))

    def _read_statuses(self, value: _Object, prefix: str, sender: str | None) -> None:
        for where, part in self._objects(value, "statuses", prefix):
            try:
                self.events.append(status(part, sender))
            except UnknownStatus as unknown:
                self._ignore(Reason.UNKNOWN_STATUS, f"{where}.status", unknown.word)
            except MalformedCallback as broken:
                self._ignore(Reason.MALFORMED, f"{where}.{broken.field}", broken.problem)

    def _read_messages(self, value: _Object, prefix: str, sender: str | None) -> None:
        for where, part in self._objects(value, "messages", prefix):
            if sender is None:
                # Nobody can tell which conversation it belongs to.
                self._ignore(
                    Reason.MALFORMED, f"{prefix}metadata.phone_number_id", "missing or malformed"
                )
                continue
            try:
                self.events.append(message(part, sender))
            except MalformedCallback as broken:
                self._ignore(Reason.MALFORMED, f"{where}.{broken.field}", broken.problem)

    def _objects(self, holder: _Object, name: str, prefix: str) -> Iterator[tuple[str, _Object]]:
        items = holder.get(name)
        if items is None:
            return
        where = prefix + name
        if not isinstance(items, list):
            self._ignore(Reason.MALFORMED, where, "must be a list")
            return
        for place, item in enumerate(cast("list[object]", items)):
            if isinstance(item, dict):
                yield f"{where}[{place}]", cast("_Object", item)
            else:
                self._ignore(Reason.MALFORMED, f"{where}[{place}]", "must be an object")

    def _ignore(self, reason: Reason, where: str, what: object) -> None:
        self.ignored.append(Ignored(reason, where, str(what)[:_SHOWN]))


def _decode(body: bytes) -> object:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _decode_patiently(body)
    except RecursionError as error:
        raise MalformedCallback("body", "nested too deeply") from error


def _decode_patiently(body: bytes) -> object:
    """Decode what the fast decoder refuses as a whole though one part of it is at fault.

    Half a surrogate pair, a byte that is no UTF-8 or a number out of range in one person's message
    must not lose the updates beside it. The second round replaces the halves by a question mark.
    """
    try:
        tree = json.loads(body.decode(errors="replace"), parse_constant=_refuse)
        return json.loads(json.dumps(tree, ensure_ascii=False).encode(errors="replace"))
    except (ValueError, RecursionError) as error:
        raise MalformedCallback("body", f"not JSON: {error}") from error


def _refuse(constant: str) -> None:
    # Python reads NaN and Infinity, JSON does not know them.
    raise ValueError(f"{constant} is no JSON")
