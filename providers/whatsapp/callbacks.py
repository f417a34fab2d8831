"""What a WhatsApp callback tells us (PC-01, PC-05…PC-07, CF-09, WA 7 to 10).

Two shapes say the same, at either address: Meta's Graph envelope, which may carry up to 1,000
updates of several accounts and numbers, and one flat status. A part that cannot be read never costs
its neighbours: Meta repeats a callback as a whole or not at all, so it is left out and reported.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, cast

import msgspec

from providers.callbacks import WHOLE, Callback, Ignored, MalformedCallback, Reason
from providers.json_bodies import decode
from providers.whatsapp.callback_messages import authors_of, message
from providers.whatsapp.callback_notices import UNKNOWN, account_error, notice_of, pieces_of
from providers.whatsapp.callback_parts import (
    Object,
    Source,
    account_of,
    moment_or_none,
    object_of,
    word_of,
)
from providers.whatsapp.callback_statuses import flat_status, status
from schemas.topics.provider_events import CallbackEvent
from schemas.topics.records import SenderIdField

_OURS: Final = "whatsapp_business_account"
_MESSAGES: Final = "messages"
_PARTS: Final = frozenset({"statuses", "messages", "errors"})
"""Members of a value of the field ``messages`` that hold its parts."""
_BESIDE: Final = _PARTS | {"messaging_product", "metadata", "contacts", "field", "object"}
"""Members that say nothing by themselves."""
_BESIDE_CHANGES: Final = frozenset({"id", "time", "field", "object"})
"""Members of an entry that say nothing by themselves."""
_SHOWN: Final = 60
"""Characters of an unknown word that are kept for the log."""


class _Metadata(msgspec.Struct, gc=False):
    phone_number_id: SenderIdField


def parse(body: bytes) -> Callback:
    """Return what the raw bytes of an authentic callback say.

    The same bytes give equal events with equal ids, so a repeated callback changes nothing (IM-04).
    Raises `MalformedCallback` where nothing can be read: no JSON object, or a flat status with a
    wrong field.
    """
    tree = decode(body)
    if not isinstance(tree, dict):
        raise MalformedCallback(WHOLE, "must be a JSON object")
    whole = cast("Object", tree)
    if "object" not in whole and "entry" not in whole:
        return Callback((flat_status(whole),), ())
    reader = _Reader()
    reader.read_envelope(whole)
    return Callback(tuple(reader.events), tuple(reader.ignored))


@dataclass(slots=True)
class _Reader:
    """Collects what one envelope says."""

    events: list[CallbackEvent] = field(default_factory=list[CallbackEvent])
    ignored: list[Ignored] = field(default_factory=list[Ignored])

    def read_envelope(self, envelope: Object) -> None:
        if envelope.get("object", _OURS) != _OURS:
            self._ignore(Reason.UNKNOWN_OBJECT, "object", envelope["object"])
            return
        for where, entry in self._objects(envelope, "entry", ""):
            if "changes" in entry or _BESIDE_CHANGES.issuperset(entry):
                self._read_entry(envelope, entry, where)
            else:
                self._note(UNKNOWN, entry, where, _source(entry, {}))

    def _read_entry(self, envelope: Object, entry: Object, prefix: str) -> None:
        for where, change in self._objects(entry, "changes", f"{prefix}."):
            value = object_of(change.get("value"))
            # Some of Meta's own examples have `object` and `field` further in or out (WA 10).
            product = envelope.get("object") or _misplaced("object", entry, change, value)
            if product != _OURS:
                self._ignore(Reason.UNKNOWN_OBJECT, f"{where}.object", product)
                continue
            name = change.get("field") or _misplaced("field", value, entry)
            self._read_change(name, change, where, _source(entry, value))

    def _read_change(self, name: object, change: Object, where: str, source: Source) -> None:
        value = change.get("value")
        if name == _MESSAGES:
            if isinstance(value, dict):
                self._read_messages(cast("Object", value), f"{where}.value", source)
            else:
                self._ignore(Reason.MALFORMED, f"{where}.value", "must be an object")
            return
        kind = UNKNOWN if name is None else word_of(name)
        if kind is None:
            self._ignore(Reason.MALFORMED, f"{where}.field", "must be a word")
        elif isinstance(value, dict):
            self._note(kind, cast("Object", value), f"{where}.value", source)
        else:
            self._note(kind, change, where, source)

    def _read_messages(self, value: Object, where: str, source: Source) -> None:
        """Read a value of the field ``messages``; of other fields nothing is ever inbound."""
        self._read_each(value, "statuses", where, partial(status, source=source))
        if value.get("messages") is not None:
            self._read_inbound(value, where, source)
        self._read_each(value, "errors", where, partial(account_error, source=source))
        if all(value.get(name) is None for name in _PARTS) and not _BESIDE.issuperset(value):
            self._note(_MESSAGES, value, where, source)

    def _read_inbound(self, value: Object, where: str, source: Source) -> None:
        sender_id = source.sender_id
        if sender_id is not None:
            authors = authors_of(value)
            read = partial(message, source=source, sender_id=sender_id, people=authors)
            self._read_each(value, "messages", where, read)
            return
        # Nobody can tell which conversation they belong to.
        for _ in self._list(value, "messages", f"{where}.messages"):
            place = f"{where}.metadata.phone_number_id"
            self._ignore(Reason.MALFORMED, place, "missing or malformed")

    def _note(self, kind: str, value: Object, where: str, source: Source) -> None:
        for piece in pieces_of(value):
            try:
                self.events.append(notice_of(kind, piece, source))
            except MalformedCallback as broken:
                self._ignore(Reason.MALFORMED, f"{where}{piece.where}", broken.problem)

    def _read_each(
        self, holder: Object, name: str, where: str, read: Callable[[Object], CallbackEvent]
    ) -> None:
        """Read each object of a list. A path is put together only where it is reported."""
        for place, item in enumerate(self._list(holder, name, f"{where}.{name}")):
            try:
                if not isinstance(item, dict):
                    raise MalformedCallback(WHOLE, "must be an object")  # noqa: TRY301
                self.events.append(read(cast("Object", item)))
            except MalformedCallback as broken:
                inside = "" if broken.field == WHOLE else f".{broken.field}"
                self._ignore(Reason.MALFORMED, f"{where}.{name}[{place}]{inside}", broken.problem)

    def _objects(self, holder: Object, name: str, prefix: str) -> Iterator[tuple[str, Object]]:
        for place, item in enumerate(self._list(holder, name, prefix + name)):
            where = f"{prefix}{name}[{place}]"
            if isinstance(item, dict):
                yield where, cast("Object", item)
            else:
                self._ignore(Reason.MALFORMED, where, "must be an object")

    def _list(self, holder: Object, name: str, where: str) -> list[Any]:
        items = holder.get(name)
        if isinstance(items, list):
            return cast("list[Any]", items)
        if items is not None:
            self._ignore(Reason.MALFORMED, where, "must be a list")
        return []

    def _ignore(self, reason: Reason, where: str, what: object) -> None:
        shown = what[:_SHOWN] if isinstance(what, str) else "no text"
        self.ignored.append(Ignored(reason, where, shown))


def _source(entry: Object, value: Object) -> Source:
    return Source(
        account_id=account_of(entry.get("id")),
        sender_id=_sender_of(value),
        told_at=moment_or_none(entry.get("time")),
    )


def _misplaced(name: str, *holders: Object) -> object:
    """Return what a member says that stands where it should not."""
    return next((holder[name] for holder in holders if holder.get(name) is not None), None)


def _sender_of(value: Object) -> str | None:
    """Return which of our numbers a change is about; None where that cannot be read."""
    try:
        return msgspec.convert(value.get("metadata"), _Metadata).phone_number_id
    except msgspec.ValidationError:
        return None
