"""What is fuzzed: one row a reader of bytes from outside."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from providers.callbacks import MalformedCallback
from providers.whatsapp.callbacks import parse
from schemas.topics.provider_events import PROVIDER_EVENTS
from schemas.topics.topic import MalformedRecord
from tests.providers.whatsapp import bodies

AT: Final = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
NUL: Final = "contains the character NUL"
"""The one thing that a reader may pass on and the topic refuses: it is dead-lettered."""


@dataclass(frozen=True, slots=True)
class Target:
    """A reader of bytes."""

    name: str
    seeds: tuple[bytes, ...]
    """Good bodies, from which bad ones are made."""
    read: Callable[[bytes], object]
    """Reads a body, and raises `AssertionError` where what came of it is wrong."""
    refusals: tuple[type[Exception], ...]
    """How it may say no. Anything else that it raises would be a 500."""


def _whatsapp(body: bytes) -> None:
    """Read a callback; its events must be records that every consumer can read, each time equal."""
    told = parse(body)
    records = PROVIDER_EVENTS.records(told.events, source="/fuzz", at=AT)
    assert records == PROVIDER_EVENTS.records(parse(body).events, source="/fuzz", at=AT)
    for event, record in zip(told.events, records, strict=True):
        assert record.key, "a record without a key keeps no order"
        try:
            assert PROVIDER_EVENTS.decode(record.value) == event
        except MalformedRecord as error:
            if error.problem != NUL:
                raise


def _whatsapp_seeds() -> tuple[bytes, ...]:
    failed = {"code": 131026, "title": "Undeliverable", "error_data": {"details": "x"}}
    contacts = [{"profile": {"name": "Ada"}, "wa_id": "16505551234"}]
    change = bodies.a_change
    statuses = [
        bodies.a_status(biz_opaque_callback_data="msg_1"),
        bodies.a_status(status="failed", errors=[failed]),
        bodies.a_status(status="sent", conversation={"id": "c", "origin": {"type": "utility"}}),
    ]
    messages = [
        bodies.a_message(),
        bodies.a_message(type="image", image={"id": "1", "mime_type": "image/jpeg", "sha256": "x"}),
        bodies.a_message(type="button", button={"payload": "p", "text": "Yes"}),
        bodies.a_message(context={"from": "16505551234", "id": "wamid.x"}),
    ]
    notice = {"field": "account_update", "value": {"event": "VERIFIED_ACCOUNT"}}
    return tuple(
        map(
            bodies.encoded,
            (
                bodies.an_envelope(change(statuses=statuses)),
                bodies.an_envelope(change(messages=messages, contacts=contacts), notice),
                bodies.an_envelope(change(statuses=statuses[:1]), change(messages=messages[:1])),
                bodies.a_flat_status(),
                bodies.a_flat_status(status="failed", error={"code": 1, "title": "x"}),
            ),
        )
    )


TARGETS: Final = (Target("whatsapp-callbacks", _whatsapp_seeds(), _whatsapp, (MalformedCallback,)),)
