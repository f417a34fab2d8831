"""``POST /api/v1/im/messages``: one message to one contact (ST-16, RT-05, IM-37)."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Final
from uuid import uuid4

from fastapi import APIRouter, Request

from domain.identity import MessageId, message_id_for_key, message_id_from
from domain.recipients import InvalidRecipient, to_e164
from runtime.clock import Clock
from runtime.errors import InvalidInput
from schemas.http.envelope import Envelope
from schemas.http.im import MessageAccepted, SendMessage
from schemas.topics.contents import TextContent
from schemas.topics.send_requests import SendRequested
from services.scheduler.idempotency import Key, key_of
from services.scheduler.intake import Asked
from services.scheduler.routes.body import IdempotencyKey, documented, parse, read_body
from services.scheduler.store.keys import KeyName

CALL: Final = "POST /api/v1/im/messages"

LARGEST_BODY: Final = 128 * 1_024
"""Bytes: the longest text, each character escaped, and room for the ids."""

FARTHEST: Final = timedelta(days=366)
"""How far ahead a message may be scheduled; farther is more likely a mistake in the year."""

Accept = Callable[[Asked], Awaitable[MessageAccepted]]


def router(accept: Accept, *, default_sender: str, clock: Clock) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/api/v1/im", tags=["messages"])

    @routes.post(
        "/messages",
        status_code=HTTPStatus.CREATED,
        summary="Send one message",
        openapi_extra=documented(SendMessage.model_json_schema()),
    )
    async def send_message(
        request: Request, idempotency_key: IdempotencyKey = None
    ) -> Envelope[MessageAccepted]:
        body = parse(SendMessage, await read_body(request, limit=LARGEST_BODY))
        key = None if idempotency_key is None else _key(body, idempotency_key)
        asked = asked_of(body, key, default_sender=default_sender, now=clock())
        return Envelope(code=HTTPStatus.CREATED, data=await accept(asked))

    return routes


def asked_of(body: SendMessage, key: Key | None, *, default_sender: str, now: datetime) -> Asked:
    """Return what the caller wants. Raises `InvalidInput` naming the field."""
    request = SendRequested(
        message_id=_message_id(key),
        channel="whatsapp",
        sender_id=_sender(body, default_sender),
        recipient=_recipient(body),
        content=TextContent(body=body.content),
        requested_at=now,
        tenant_id=body.tenant_id,
        contact_id=body.contact_id,
        case_id=body.case_id,
        queue_id=body.queue_id,
        wa_account_type=body.wa_account_type,
        wa_account_id=body.wa_account_id,
        original_message_id=body.original_message_id,
    )
    return Asked(request, _due_at(body, now), key)


def _key(body: SendMessage, idempotency_key: str) -> Key:
    name = KeyName(body.tenant_id or "", CALL, idempotency_key)
    return key_of(name, body.model_dump_json().encode())


def _message_id(key: Key | None) -> MessageId:
    if key is None:
        return message_id_from(uuid4())
    return message_id_for_key(key.name.tenant, key.name.key)


def _sender(body: SendMessage, default_sender: str) -> str:
    sender = body.sender_id or body.wa_account_id or default_sender
    if not sender:
        raise InvalidInput("senderId", "is required: this installation has no default sender")
    return sender


def _recipient(body: SendMessage) -> str:
    try:
        return to_e164(body.contact_id if body.recipient is None else body.recipient)
    except InvalidRecipient as error:
        raise InvalidInput("recipient", str(error)) from error


def _due_at(body: SendMessage, now: datetime) -> datetime | None:
    due_at = body.scheduled_at
    if due_at is None:
        return None
    if not now < due_at <= now + FARTHEST:
        raise InvalidInput("scheduledAt", f"must lie in the future, at most {FARTHEST.days} days")
    return due_at.astimezone(UTC)
