"""Enters what people wrote to us (IM-27)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from schemas.topics.provider_events import MessageReceived
from services.status_projector.store import personal
from services.status_projector.store.conversations import Link
from services.status_projector.store.people import People

_RECEIVE = sa.text(
    """
    INSERT INTO messages
        (message_id, channel, sender_id, person, conversation_id, message_type, sealed,
         message_direction, whatsapp_message_id, delivery_status, sent_at, tenant_id, contact_id,
         order_id, created_at, updated_at)
    SELECT message_id, channel, sender_id, person, conversation_id, type, sealed, 'inbound',
           provider_id, 'delivered', occurred_at, tenant_id, contact_id, order_id, :now, :now
    FROM unnest(
        CAST(:message_ids AS text[]), CAST(:channels AS text[]), CAST(:senders AS text[]),
        CAST(:persons AS bytea[]), CAST(:conversations AS text[]), CAST(:types AS text[]),
        CAST(:sealed AS bytea[]), CAST(:provider_ids AS text[]),
        CAST(:occurred_ats AS timestamptz[]), CAST(:tenants AS text[]), CAST(:contacts AS text[]),
        CAST(:orders AS text[])
    ) AS r(message_id, channel, sender_id, person, conversation_id, type, sealed, provider_id,
           occurred_at, tenant_id, contact_id, order_id)
    ON CONFLICT DO NOTHING
    """
)


def receive(
    connection: sa.Connection,
    received: Mapping[str, MessageReceived],
    links: Mapping[str, Link],
    people: People,
    now: datetime,
) -> None:
    """Enter messages by our ids of them, each linked as its conversation is."""
    events = list(received.values())
    persons = [people.of(event.channel, event.author) for event in events]
    conversations = [people.conversation_of(event) for event in events]
    linked = [links[conversation_id] for conversation_id in conversations]
    columns: dict[str, list[Any]] = {
        "message_ids": list(received),
        "channels": [event.channel for event in events],
        "senders": [event.sender_id for event in events],
        "persons": persons,
        "conversations": conversations,
        "types": [event.message_type[:20] for event in events],
        "sealed": [
            personal.seal(people.keyring, person, message_id, personal.of_received(event))
            for person, (message_id, event) in zip(persons, received.items(), strict=True)
        ],
        "provider_ids": [event.provider_message_id for event in events],
        "occurred_ats": [event.occurred_at for event in events],
        "tenants": [link.tenant_id for link in linked],
        "contacts": [link.contact_id for link in linked],
        "orders": [link.order_id for link in linked],
    }
    connection.execute(_RECEIVE, {**columns, "now": now})
