"""What everything else in a WhatsApp callback becomes: notices, kept as received (WA 10).

Events of accounts, numbers, templates, groups and calls; what people write in the WhatsApp Business
app (echoes) and wrote before it was connected (history), which nobody sent us just now; account
errors; and words and fields of the future.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from domain.identity import notice_id
from providers.callbacks import WHOLE
from providers.whatsapp.callback_parts import (
    LARGEST_CONTENT,
    Object,
    Source,
    assert_storable,
    list_of,
    moment_or_none,
    object_of,
    size_of,
    text_of,
)
from providers.whatsapp.callback_people import People, people_of
from schemas.topics.provider_events import NoticeReceived

UNKNOWN: Final = "unknown"
"""The account of a body without ``entry[].id``, and the kind of a change without ``field``."""

ACCOUNT_ERROR: Final = "account_error"

_ONE_EACH: Final = (
    *("message_echoes", "state_sync", "user_preferences", "groups", "calls"),
    *("messages", "statuses"),
)
"""Lists whose items are notices of their own. ``messages`` are files of a history and
``statuses`` those of calls: this is about all fields but ``messages``."""

_SUBJECTS: Final = (
    *("message_template_name", "group_id", "id", "wa_id", "user_id"),
    *("display_phone_number", "phone_number", "entity_id"),
)
"""Members that name the one thing that a notice is about, the first one wins."""

_PERSONS: Final = ("to", "to_user_id", "from", "from_user_id", "wa_id", "user_id", "id")
"""Members of an item, or of a conversation, that name a person."""

_REPEATED: Final = 1_024
"""Bytes of what stands beside a list and is repeated with each item; real ones have 150. With more
of it a callback could become many times its size."""


@dataclass(frozen=True, slots=True)
class Shard:
    """One item of a value's list."""

    where: str
    """Its path from the value: ``.message_echoes[3]``."""
    name: str
    """Of the list."""
    item: object
    subject: Object
    """What tells its time and whom it is about."""

    def beside(self, people: People) -> Object:
        """Return it in a list of its own, with the contact that it names."""
        contact = people.of(*(self.subject.get(name) for name in _PERSONS)) or people.alone
        return {**({"contacts": [contact]} if contact else {}), self.name: [self.item]}


@dataclass(frozen=True, slots=True)
class Piece:
    """So much of a change's value as makes one notice."""

    where: str
    """Its path from the value."""
    content: Object
    """The value as received, with one item in its list."""
    subject: Object
    """What tells its time and whom it is about: the item."""


def notice(
    kind: str, content: Object, source: Source, *, about: str | None, at: datetime | None
) -> NoticeReceived:
    """Return a notice; raises `MalformedCallback` where no broker would take it.

    The same content of the same time is the same notice (IM-04); an error of an account carries no
    time, so that it is told once.
    """
    assert_storable(content, WHOLE)
    account_id = source.account_id or source.sender_id or UNKNOWN
    said = msgspec.json.encode([about, at, content], order="sorted")
    return NoticeReceived(
        channel="whatsapp",
        notice_id=notice_id("whatsapp", account_id, kind, said),
        kind=kind,
        account_id=account_id,
        about=about,
        content=content,
        occurred_at=at,
    )


def notice_of(kind: str, piece: Piece, source: Source) -> NoticeReceived:
    """Return what one piece of a change says, as `notice` does."""
    at = moment_or_none(_timestamp(piece.subject)) or source.told_at
    return notice(kind, piece.content, source, about=_about(piece.subject), at=at)


def account_error(error: Object, source: Source) -> NoticeReceived:
    """Return one of ``value.errors[]``: about an account or a number, and no message (WA 8)."""
    return notice(ACCOUNT_ERROR, error, source, about=source.sender_id, at=source.told_at)


def pieces_of(value: Object) -> list[Piece]:
    """Return a change's value in pieces, each of a size that a broker takes where that can be."""
    shards = [
        Shard(f".{name}[{place}]", name, item, object_of(item))
        for name in _ONE_EACH
        for place, item in enumerate(list_of(value.get(name)))
    ]
    shards += _conversations(list_of(value.get("history")))
    match shards:
        case []:
            return [Piece("", value, value)]
        case [only]:
            return [Piece(only.where, value, only.subject)]
        case _:
            people = people_of(value)
            frame = _frame(value, {"contacts", *(shard.name for shard in shards)})
            return [
                Piece(shard.where, {**frame, **shard.beside(people)}, shard.subject)
                for shard in shards
            ]


def _conversations(chunks: list[Any]) -> Iterator[Shard]:
    """Yield a history by conversation, a long one in several parts.

    Thousands of messages may come at once (WA 10), hence not each of them.
    """
    for place, chunk in enumerate(chunks):
        where = f".history[{place}]"
        threads = list_of(object_of(chunk).get("threads"))
        if not threads:  # not shared: the errors say why
            yield Shard(where, "history", chunk, {})
        frame = _frame(object_of(chunk), {"threads"})
        for inner, thread in enumerate(threads):
            for part in _parts(thread):
                content = {**frame, "threads": [part]}
                yield Shard(f"{where}.threads[{inner}]", "history", content, object_of(thread))


def _parts(thread: object) -> Iterator[object]:
    messages = list_of(object_of(thread).get("messages"))
    if not messages:
        yield thread
        return
    frame = _frame(object_of(thread), {"messages"})
    for run in _runs(messages, LARGEST_CONTENT // 2):
        yield {**frame, "messages": run}


def _runs(items: list[Any], most: int) -> Iterator[list[Any]]:
    """Yield the items in runs that take no more bytes, or are one item."""
    run: list[Any] = []
    room = most
    for item in items:
        size = size_of(item)
        if run and size > room:
            yield run
            run, room = [], most
        run.append(item)
        room -= size
    yield run


def _frame(holder: Mapping[str, Any], lists: set[str]) -> Object:
    """Return what is repeated with each item of an object's lists."""
    frame = {name: member for name, member in holder.items() if name not in lists}
    return frame if size_of(frame) <= _REPEATED else {}


def _about(subject: Object) -> str | None:
    inner = (object_of(subject.get(name)) for name in ("contact", "context", "metadata"))
    named = (text_of(holder.get(name)) for holder in (subject, *inner) for name in _SUBJECTS)
    return next((name for name in named if name is not None), None)


def _timestamp(subject: Object) -> object:
    return subject.get("timestamp") or object_of(subject.get("metadata")).get("timestamp")
