"""Inbound messages: which records speak of one, and what is told once it is entered (IM-27)."""

from datetime import timedelta
from typing import Final

import msgspec
import sqlalchemy as sa

from domain.identity import message_id_for_inbound
from runtime.auth import Permission
from runtime.kafka.sealing import TopicKeys
from runtime.postgres import in_thread
from runtime.vault import Vault
from schemas.topics.provider_events import (
    PROVIDER_EVENTS,
    MediaLost,
    MediaStored,
    MessageReceived,
    event_types,
)
from schemas.topics.topic import EVENT_TYPE, MalformedRecord
from services.status_projector.live.events import Event, Kind, Subject
from services.status_projector.live.log import Arrival, Log
from services.status_projector.live.tail import Record
from services.status_projector.store import live

LOOK_AGAIN: Final = timedelta(milliseconds=25)
"""Between two looks at how far the projector is, while something waits for it."""
MOST: Final = 200
"""Messages of a partition that are read at a time."""

_SPEAK_OF_ONE = MessageReceived | MediaStored | MediaLost
_TYPES: Final = {kind.encode() for kind in event_types(MessageReceived, MediaStored, MediaLost)}


def arrival_of(place: int, record: Record, keys: TopicKeys) -> Arrival | None:
    """Return it where the record says that a message came in, or what became of its file.

    Most records are of other types: one is passed over by its header, unread.
    """
    kind = next((value for name, value in record.headers if name == EVENT_TYPE), None)
    if kind is not None and kind not in _TYPES:
        return None
    try:
        event = keys.decode(PROVIDER_EVENTS, record)
    except MalformedRecord:
        return None
    if not isinstance(event, _SPEAK_OF_ONE):
        return None
    message_id = message_id_for_inbound(event.channel, event.provider_message_id)
    return Arrival(place, record.partition, record.offset, message_id)


async def entered(
    engine: sa.Engine, vault: Vault, reading: Log
) -> list[tuple[Arrival, Event | None]]:
    """Return what the projector has entered meanwhile, each with the event to tell.

    None where there is no such message (it was rejected, or is erased), and where a later record of
    these speaks of the same one.
    """
    waiting = reading.first_waiting(MOST)

    def look(
        connection: sa.Connection,
    ) -> tuple[list[Arrival], dict[str, tuple[str | None, live.Inbound]]]:
        applied = live.applied(connection, PROVIDER_EVENTS.name)
        due = [one for one in waiting if one.offset < applied.get(one.partition, 0)]
        ids = {one.message_id for one in due}
        return due, live.inbound(connection, vault, ids) if ids else {}

    due, messages = await in_thread(engine, look)
    last = {one.message_id: one for one in due}
    return [
        (one, _event(messages.get(one.message_id)) if last[one.message_id] is one else None)
        for one in due
    ]


def _event(found: tuple[str | None, live.Inbound] | None) -> Event | None:
    if found is None:
        return None
    tenant_id, message = found
    named = {
        Subject.MESSAGE: message.message_id,
        Subject.CONVERSATION: message.conversation_id,
        Subject.CONTACT: message.contact_id,
        Subject.ORDER: message.order_id,
    }
    return Event(
        kind=Kind.MESSAGE_INBOUND,
        needs=Permission.MESSAGES_VIEW,
        tenant_id=tenant_id,
        keys=tuple((subject.value, id_) for subject, id_ in named.items() if id_ is not None),
        data=msgspec.json.encode(message),
    )
