"""What a WhatsApp callback tells us (PC-01, PC-05…PC-07, CF-09).

Two shapes say the same, at either address: Meta's Graph envelope, which may carry up to 1,000
updates of several accounts and numbers, and one flat status. A part that cannot be read never costs
its neighbours: Meta repeats a callback as a whole or not at all, so it is left out and reported.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, cast

from providers.callbacks import Callback, Ignored, MalformedCallback, Reason
from providers.json_bodies import decode
from providers.whatsapp.callback_parts import (
    Event,
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


def parse(body: bytes) -> Callback:
    """Return what the raw bytes of an authentic callback say.

    The same bytes give equal events with equal ids, so a repeated callback changes nothing (IM-04).
    Raises `MalformedCallback` where nothing can be read: no JSON object, or a flat status with a
    wrong field.
    """
    tree = decode(body)
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
