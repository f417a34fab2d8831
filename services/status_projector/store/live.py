"""What is told live of inbound messages and jobs, and how far the projector is."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from runtime.vault import Vault
from services.status_projector.store import personal


class Inbound(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A message that somebody wrote to us, in the words of the query API."""

    message_id: str
    conversation_id: str
    contact_id: str | None
    order_id: str | None
    channel: str
    sender_id: str
    """The account of ours that was written to."""
    from_: str | None = msgspec.field(name="from")
    """Who wrote; null once they are forgotten, as their words are."""
    name: str | None
    type: str
    text: str | None
    at: datetime
    file_url: str | None
    file_name: str | None
    file_type: str | None
    file_error: str | None


_APPLIED = sa.text("SELECT partition, next_offset FROM applied_offsets WHERE topic = :topic")


def applied(connection: sa.Connection, topic: str) -> dict[int, int]:
    """Return the first offset of each partition that is not applied yet."""
    rows = connection.execute(_APPLIED, {"topic": topic})
    return {row.partition: row.next_offset for row in rows}


_INBOUND = sa.text(
    """
    SELECT message_id, conversation_id, contact_id, order_id, tenant_id, channel, sender_id, person,
           sealed, message_type, sent_at, file_url, sealed_file_name, file_type, file_error
    FROM messages WHERE message_id = ANY(:message_ids) AND message_direction = 'inbound'
    """
)


def inbound(
    connection: sa.Connection, vault: Vault, message_ids: Collection[str]
) -> dict[str, tuple[str | None, Inbound]]:
    """Return the messages that there are, by their ids, each with its tenant."""
    rows = connection.execute(_INBOUND, {"message_ids": list(message_ids)}).mappings().all()
    keyring = vault.keyring(connection, {bytes(row["person"]) for row in rows})

    def opened(row: Mapping[Any, Any]) -> Inbound:
        person, message_id = bytes(row["person"]), row["message_id"]
        said = None
        if row["sealed"] is not None:
            said = personal.unseal(keyring, person, message_id, bytes(row["sealed"]))
        file_name = None
        if row["sealed_file_name"] is not None:
            sealed = bytes(row["sealed_file_name"])
            file_name = personal.unseal_file_name(keyring, person, message_id, sealed)
        return Inbound(
            message_id=message_id,
            conversation_id=row["conversation_id"],
            contact_id=row["contact_id"],
            order_id=row["order_id"],
            channel=row["channel"],
            sender_id=row["sender_id"],
            from_=None if said is None else said.recipient,
            name=None if said is None else said.name,
            type=row["message_type"],
            text=None if said is None else said.words,
            at=row["sent_at"],
            file_url=row["file_url"],
            file_name=file_name,
            file_type=row["file_type"],
            file_error=row["file_error"],
        )

    return {row["message_id"]: (row["tenant_id"], opened(row)) for row in rows}
