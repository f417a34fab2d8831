"""How stored rows are shown to people: opened, in public words (CF-01, CF-32)."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from mimetypes import guess_type
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
import sqlalchemy as sa

from domain.lifecycle import Status
from runtime.vault import Keyring, Vault
from schemas.http.messages import (
    Conversation,
    File,
    Message,
    MessageDetail,
    Participant,
    Participants,
    Price,
)
from schemas.sealed import Personal
from services.status_projector.prices import Prices
from services.status_projector.store.participants import unseal as unseal_participant
from services.status_projector.store.personal import unseal, unseal_file_name

Row = Mapping[str, Any]

_WITH_FILE: Final = frozenset({"image", "document", "audio", "video", "sticker"})
_REACHED: Final = frozenset({Status.SENT, Status.DELIVERED, Status.READ})
_NOTHING: Final = Personal(recipient="")
_AS_STORED: Final = (
    "message_id",
    "conversation_id",
    "channel",
    "sender_id",
    "sequence",
    "sent_at",
    "delivered_at",
    "read_at",
    "failed_at",
    "error_code",
    "error_message",
    "retried",
    "original_message_id",
    "category",
    "tenant_id",
    "contact_id",
    "order_id",
    "case_id",
    "queue_id",
    "agent_id",
    "job_id",
)

_OF_CONVERSATIONS: Final = (
    "conversation_id",
    "channel",
    "sender_id",
    "tenant_id",
    "contact_id",
    "order_id",
    "unread",
    "last_at",
    "last_direction",
    "last_message_id",
)


def public(status: str) -> str:
    """Return the status that people are told of (CF-01).

    >>> public("pending"), public("read")
    ('sending', 'read')
    """
    return Status.SENDING if status == Status.PENDING else status


def keyring_of(connection: sa.Connection, vault: Vault, rows: Sequence[Row]) -> Keyring:
    """Return the keys that open the rows."""
    return vault.keyring(connection, {bytes(row["person"]) for row in rows})


def messages(connection: sa.Connection, vault: Vault, rows: Sequence[Row]) -> list[Message]:
    """Return the messages of a list, opened."""
    keyring = keyring_of(connection, vault, rows)
    return [Message.model_construct(**_fields(row, opened(keyring, row), keyring)) for row in rows]


def detail(
    keyring: Keyring, row: Row, prices: Prices, participants: Participants | None
) -> MessageDetail:
    """Return one message with everything that is known of it."""
    personal = opened(keyring, row)
    return MessageDetail.model_construct(
        **_fields(row, personal, keyring),
        content=_json(personal.content),
        context=_json(personal.context),
        price=_price(row, prices) if row["message_direction"] == "outbound" else None,
        participants=participants,
    )


def opened(keyring: Keyring, row: Row) -> Personal:
    """Return what is personal in the row: nothing of people who were forgotten."""
    if row["sealed"] is None:
        return _NOTHING
    person, sealed = bytes(row["person"]), bytes(row["sealed"])
    return unseal(keyring, person, row["message_id"], sealed) or _NOTHING


def _fields(row: Row, personal: Personal, keyring: Keyring) -> dict[str, Any]:
    return {name: row[name] for name in _AS_STORED} | {
        "direction": row["message_direction"],
        "type": row["message_type"],
        "status": public(row["delivery_status"]),
        "recipient": personal.recipient or None,
        "recipient_name": personal.name,
        "text": personal.words,
        "file": _file(row, personal, keyring),
    }


def _file(row: Row, personal: Personal, keyring: Keyring) -> File | None:
    link = _link(row, personal)
    if link is None and row["file_url"] is None and row["file_error"] is None:
        return None
    name = row["sealed_file_name"]
    return File(
        url=row["file_url"] or link,
        name=None
        if name is None
        else unseal_file_name(keyring, bytes(row["person"]), row["message_id"], bytes(name)),
        type=row["file_type"] or (None if link is None else guess_type(urlsplit(link).path)[0]),
        error=row["file_error"],
    )


def _link(row: Row, personal: Personal) -> str | None:
    """Return the public address of the file that we sent, which is a part of the content."""
    is_sent = row["message_direction"] == "outbound" and row["message_type"] in _WITH_FILE
    if not is_sent or row["file_url"] is not None or personal.content is None:
        return None
    return msgspec.json.decode(personal.content).get("link")


def price_of(row: Row, prices: Prices) -> Decimal | None:
    """Return what the message costs by our table; None while it has not reached `sent` (CF-43)."""
    return prices.of(row["message_type"]) if row["delivery_status"] in _REACHED else None


def _price(row: Row, prices: Prices) -> Price:
    told: dict[str, Any] = {} if row["pricing"] is None else row["pricing"]["pricing"]
    return Price(
        amount=price_of(row, prices),
        currency=prices.currency,
        billable=told.get("billable"),
        model=told.get("model"),
        kind=told.get("kind"),
    )


def _json(content: bytes | None) -> Any:  # noqa: ANN401 - whatever a channel's content is
    return None if content is None else msgspec.json.decode(content)


def participants(
    connection: sa.Connection, vault: Vault, message_id: str, rows: Sequence[Row]
) -> list[Participant]:
    """Return participants of a message, opened."""
    keyring = keyring_of(connection, vault, rows)
    return [
        Participant(
            participant=unseal_participant(
                keyring, bytes(row["person"]), message_id, bytes(row["sealed"])
            ),
            status=row["status"],
            at=row["at"],
            error_code=row["error_code"],
            error_message=row["error_message"],
        )
        for row in rows
    ]


def conversation(keyring: Keyring, row: Row) -> Conversation:
    """Return a conversation with its newest message; null of it once that is gone."""
    personal = _NOTHING if row["message_id"] is None else opened(keyring, row)
    status = row["delivery_status"]
    return Conversation.model_construct(
        **{name: row[name] for name in _OF_CONVERSATIONS},
        recipient=personal.recipient or None,
        recipient_name=personal.name,
        last_type=row["message_type"],
        last_text=personal.words,
        last_status=None if status is None else public(status),
    )
