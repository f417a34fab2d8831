"""Moves the conversations of a batch's messages: which is the last, and how many are unread."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from runtime.errors import NotFound
from runtime.vault import Person
from schemas.topics.send_requests import SendRequested
from services.status_projector import addresses
from services.status_projector.projection import Changes
from services.status_projector.store.people import People


class Link(NamedTuple):
    """What a conversation belongs to: that of its last message of ours (IM-27)."""

    tenant_id: str | None = None
    contact_id: str | None = None
    order_id: str | None = None


_NOTHING = Link()


@dataclass(slots=True)
class Move:
    """What a batch's messages do to one conversation."""

    conversation_id: str
    channel: str
    sender_id: str
    person: Person
    link: Link = _NOTHING
    last: tuple[datetime, str, str] | None = None
    """Of the newest message: when, its id, its direction."""
    outbound_at: datetime | None = None
    inbound_at: datetime | None = None
    unread: int = 0

    def send(self, request: SendRequested) -> None:
        """Add a message of ours. It answers all that came before it."""
        at = request.requested_at
        self._follow(at, request.message_id, "outbound")
        if self.outbound_at is None or self.outbound_at <= at:
            self.outbound_at = at
            self.link = Link(request.tenant_id, request.contact_id, request.order_id)

    def receive(self, message_id: str, at: datetime) -> None:
        """Add a message to us; those of ours are known."""
        self._follow(at, message_id, "inbound")
        self.inbound_at = at if self.inbound_at is None else max(self.inbound_at, at)
        # Providers count in seconds: within one, nobody knows what came first.
        if self.outbound_at is None or self.outbound_at.replace(microsecond=0) <= at:
            self.unread += 1

    def _follow(self, at: datetime, message_id: str, direction: str) -> None:
        if self.last is None or self.last[0] <= at:
            self.last = at, message_id, direction


def moves(changes: Changes, people: People) -> list[Move]:
    """Return what the messages that a batch enters do to their conversations."""
    found: dict[str, Move] = {}
    for message_id, request in changes.created.items():
        name = changes.touched[message_id].conversation_id
        if (move := found.get(name)) is None:
            person = people.of(request.channel, request.recipient)
            move = found[name] = Move(name, request.channel, request.sender_id, person)
        move.send(request)
    for message_id, event in changes.received.items():
        name = people.conversation_of(event)
        if (move := found.get(name)) is None:
            person = people.of(*addresses.of_conversation(event))
            move = found[name] = Move(name, event.channel, event.sender_id, person)
        move.receive(message_id, event.occurred_at)
    return list(found.values())


# What is new is unread unless it is older than our last message; our newest message answers what is
# older than itself.
_MOVE = sa.text(
    """
    INSERT INTO conversations AS c
        (conversation_id, channel, sender_id, person, tenant_id, contact_id, order_id,
         last_message_id, last_at, last_direction, outbound_at, inbound_at, unread, updated_at)
    SELECT conversation_id, channel, sender_id, person, tenant_id, contact_id, order_id,
           last_message_id, last_at, last_direction, outbound_at, inbound_at, unread, :now
    FROM unnest(
        CAST(:conversation_ids AS text[]), CAST(:channels AS text[]), CAST(:senders AS text[]),
        CAST(:persons AS bytea[]), CAST(:tenants AS text[]), CAST(:contacts AS text[]),
        CAST(:orders AS text[]), CAST(:last_ids AS text[]), CAST(:last_ats AS timestamptz[]),
        CAST(:directions AS text[]), CAST(:outbound_ats AS timestamptz[]),
        CAST(:inbound_ats AS timestamptz[]), CAST(:unread AS int[])
    ) AS m(conversation_id, channel, sender_id, person, tenant_id, contact_id, order_id,
           last_message_id, last_at, last_direction, outbound_at, inbound_at, unread)
    ORDER BY conversation_id
    ON CONFLICT (conversation_id) DO UPDATE
    SET tenant_id = CASE WHEN EXCLUDED.outbound_at >= coalesce(c.outbound_at, '-infinity')
                         THEN EXCLUDED.tenant_id ELSE c.tenant_id END,
        contact_id = CASE WHEN EXCLUDED.outbound_at >= coalesce(c.outbound_at, '-infinity')
                          THEN EXCLUDED.contact_id ELSE c.contact_id END,
        order_id = CASE WHEN EXCLUDED.outbound_at >= coalesce(c.outbound_at, '-infinity')
                        THEN EXCLUDED.order_id ELSE c.order_id END,
        last_message_id = CASE WHEN EXCLUDED.last_at >= c.last_at THEN EXCLUDED.last_message_id
                               ELSE c.last_message_id END,
        last_direction = CASE WHEN EXCLUDED.last_at >= c.last_at THEN EXCLUDED.last_direction
                              ELSE c.last_direction END,
        last_at = greatest(c.last_at, EXCLUDED.last_at),
        outbound_at = greatest(c.outbound_at, EXCLUDED.outbound_at),
        inbound_at = greatest(c.inbound_at, EXCLUDED.inbound_at),
        unread = CASE WHEN EXCLUDED.outbound_at >= c.inbound_at THEN 0 ELSE c.unread END
               + CASE WHEN date_trunc('second', c.outbound_at) > EXCLUDED.inbound_at THEN 0
                      ELSE EXCLUDED.unread END,
        updated_at = EXCLUDED.updated_at
    RETURNING conversation_id, tenant_id, contact_id, order_id
    """
)


def move(connection: sa.Connection, moved: Sequence[Move], now: datetime) -> dict[str, Link]:
    """Move conversations, in the order of their ids; return what each belongs to afterwards."""
    newest = [one.last for one in moved if one.last is not None]
    columns: dict[str, list[Any]] = {
        "conversation_ids": [one.conversation_id for one in moved],
        "channels": [one.channel for one in moved],
        "senders": [one.sender_id for one in moved],
        "persons": [one.person for one in moved],
        "tenants": [one.link.tenant_id for one in moved],
        "contacts": [one.link.contact_id for one in moved],
        "orders": [one.link.order_id for one in moved],
        "last_ats": [at for at, _, _ in newest],
        "last_ids": [message_id for _, message_id, _ in newest],
        "directions": [direction for _, _, direction in newest],
        "outbound_ats": [one.outbound_at for one in moved],
        "inbound_ats": [one.inbound_at for one in moved],
        "unread": [one.unread for one in moved],
    }
    rows = connection.execute(_MOVE, {**columns, "now": now}).all()
    return {name: Link(tenant, contact, order) for name, tenant, contact, order in rows}


_HOLD = sa.text(
    """
    SELECT unread, read_to FROM conversations
    WHERE conversation_id = :conversation_id
      AND (CAST(:tenant_id AS text) IS NULL OR tenant_id = :tenant_id)
    FOR UPDATE
    """
)
# By the order in which people see them; a later statement than the lock, so that what a projector
# has entered meanwhile is there, and what it enters afterwards it counts itself.
_LEFT = sa.text(
    """
    SELECT count(*) FROM messages
    WHERE conversation_id = :conversation_id AND message_direction = 'inbound'
      AND (sent_at, id) > (:at, :id)
    """
)
_PLACE = sa.text(
    """
    SELECT sent_at, id FROM messages
    WHERE message_id = :message_id AND conversation_id = :conversation_id
    """
)
_NEWEST = sa.text(
    """
    SELECT message_id FROM messages
    WHERE conversation_id = :conversation_id AND message_direction = 'inbound'
      AND (sent_at, id) > (:after, :after_id) AND (sent_at, id) <= (:at, :id)
    ORDER BY sent_at DESC, id DESC LIMIT 1
    """
)
_READ = sa.text(
    """
    UPDATE conversations SET unread = :unread, updated_at = :now
    WHERE conversation_id = :conversation_id
    """
)
# A later mark has a later time, also where the clock of its projector is behind.
_MARK = sa.text(
    """
    UPDATE conversations
    SET read_to = :read_to, read_at = greatest(:now, read_at + interval '1 microsecond')
    WHERE conversation_id = :conversation_id
    """
)


class _Place(NamedTuple):
    """Where something stands in the order in which people see it."""

    at: datetime
    number: int


_LAST_OF_ITS_MOMENT: Final = 2**63 - 1
_FIRST: Final = _Place(datetime.min.replace(tzinfo=UTC), 0)
_LAST: Final = _Place(datetime.max.replace(tzinfo=UTC), _LAST_OF_ITS_MOMENT)


def mark_read(
    connection: sa.Connection,
    conversation_id: str,
    *,
    tenant_id: str | None,
    now: datetime,
    up_to: str | datetime | None = None,
) -> int | None:
    """Mark a conversation as read, up to a message or a moment; return how much is unread.

    Its provider is told by a dispatcher, if that is further than it was read before.
    None where the tenant, or None for all, has no such conversation. Raises `NotFound` where it
    has no such message.
    """
    if "\x00" in conversation_id:  # PostgreSQL refuses to look for it
        return None
    name = {"conversation_id": conversation_id}
    known = connection.execute(_HOLD, {**name, "tenant_id": tenant_id}).first()
    if known is None:
        return None
    shown = _shown(connection, conversation_id, up_to)
    here = {**name, "at": shown.at, "id": shown.number}
    left = min(known.unread, connection.execute(_LEFT, here).scalar_one())
    connection.execute(_READ, {**name, "unread": left, "now": now})
    before = _place_of(connection, conversation_id, known.read_to) or _FIRST
    since = {"after": before.at, "after_id": before.number}
    read_to = connection.execute(_NEWEST, {**here, **since}).scalar()
    if read_to is not None:
        connection.execute(_MARK, {**name, "read_to": read_to, "now": now})
    return left


def _shown(connection: sa.Connection, conversation_id: str, up_to: str | datetime | None) -> _Place:
    """Return the place of the newest that was shown."""
    if up_to is None:
        return _LAST
    if isinstance(up_to, datetime):
        return _Place(up_to, _LAST_OF_ITS_MOMENT)
    place = _place_of(connection, conversation_id, up_to)
    if place is None:
        raise NotFound("Message not found in this conversation")
    return place


def _place_of(
    connection: sa.Connection, conversation_id: str, message_id: str | None
) -> _Place | None:
    values = {"message_id": message_id, "conversation_id": conversation_id}
    found = connection.execute(_PLACE, values).first()
    return None if found is None else _Place(found.sent_at, found.id)
