"""``POST /api/v1/im/messages``: one message to one contact (ST-16, RT-05, IM-37)."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Final, get_args
from uuid import uuid4

import msgspec
from fastapi import APIRouter, Depends, Request

from domain.identity import MessageId, message_id_for_key, message_id_from
from domain.recipients import InvalidRecipient, to_e164
from runtime.auth import Caller, Guard, Permission
from runtime.bodies import decode, read_body, refuse_nul, wrong
from runtime.clock import Clock
from runtime.errors import InvalidInput
from schemas.http.envelope import Envelope
from schemas.http.im import MessageAccepted, SendMessage, Text
from schemas.topics.contents import Content, TextContent
from schemas.topics.send_requests import Fallback, SendRequested
from services.scheduler.fields import FARTHEST, in_utc, wrong_expiry
from services.scheduler.idempotency import Key, key_of
from services.scheduler.intake import Asked
from services.scheduler.routes.body import IdempotencyKey
from services.scheduler.routes.document import documented
from services.scheduler.store.keys import KeyName

CALL: Final = "POST /api/v1/im/messages"

WHATSAPP: Final = "whatsapp"
TEXT: Final = "text"

LARGEST_BODY: Final = 512 * 1_024
"""Bytes: a group send to 10,000 customers, and room for the rest."""

_DECODER: Final = msgspec.json.Decoder(SendMessage)

_TYPES: Final = frozenset(str(kind.__struct_config__.tag) for kind in get_args(Content))

Accept = Callable[[Asked], Awaitable[MessageAccepted]]


def router(accept: Accept, guard: Guard, *, default_sender: str, clock: Clock) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/api/v1/im", tags=["messages"])

    @routes.post(
        "/messages",
        status_code=HTTPStatus.CREATED,
        summary="Send one message",
        openapi_extra=documented(SendMessage),
    )
    async def send_message(
        request: Request,
        caller: Annotated[Caller, Depends(guard.needs(Permission.MESSAGES_SEND))],
        idempotency_key: IdempotencyKey = None,
    ) -> Envelope[MessageAccepted]:
        body = decode(_DECODER, await read_body(request, limit=LARGEST_BODY))
        body = msgspec.structs.replace(body, tenant_id=caller.tenant_for(body.tenant_id))
        key = None if idempotency_key is None else _key(body, idempotency_key)
        asked = asked_of(body, key, caller.user_id, default_sender=default_sender, now=clock())
        return Envelope(code=HTTPStatus.CREATED, data=await accept(asked))

    return routes


def asked_of(
    body: SendMessage, key: Key | None, agent_id: str, *, default_sender: str, now: datetime
) -> Asked:
    """Return what the caller, our agent, wants. Raises `InvalidInput` naming the field."""
    content = _content(body)
    refuse_nul(msgspec.to_builtins(body))
    recipient = body.contact_id if body.recipient is None else body.recipient
    untimely = _untimely(body, now)
    if untimely is not None and key is None:
        raise untimely
    request = SendRequested(
        message_id=_message_id(key),
        channel=body.channel,
        sender_id=_sender(body, default_sender),
        recipient=_address(body.channel, recipient, field="recipient"),
        content=content,
        requested_at=now,
        priority=body.priority,
        expires_at=None if untimely else in_utc(body.expires_at),
        when_limited=body.when_limited,
        reply_to=body.reply_to,
        fallback=_fallback(body, recipient, default_sender),
        tenant_id=body.tenant_id,
        contact_id=body.contact_id,
        agent_id=agent_id,
        case_id=body.case_id,
        queue_id=body.queue_id,
        wa_account_type=body.wa_account_type,
        wa_account_id=body.wa_account_id,
        original_message_id=body.original_message_id,
    )
    return Asked(request, None if untimely else in_utc(body.scheduled_at), key, untimely)


def _key(body: SendMessage, idempotency_key: str) -> Key:
    name = KeyName(body.tenant_id or "", CALL, idempotency_key)
    return key_of(name, msgspec.json.encode(body, order="deterministic"))


def _message_id(key: Key | None) -> MessageId:
    if key is None:
        return message_id_from(uuid4())
    return message_id_for_key(key.name.tenant, key.name.key)


def _content(body: SendMessage) -> Content:
    if body.message_type not in _TYPES:
        raise InvalidInput("messageType", f"must be one of {', '.join(sorted(_TYPES))}")
    given = body.content
    try:
        if isinstance(given, str):
            if body.message_type != TEXT:
                raise InvalidInput("content", "must be an object, unless it is a text")
            return TextContent(body=msgspec.convert(given, Text))
        if given.get("type", body.message_type) != body.message_type:
            raise InvalidInput("content.type", "must be the same as messageType")
        return msgspec.convert({**given, "type": body.message_type}, Content)
    except msgspec.ValidationError as error:
        raise wrong(error, inside="content") from error


def _sender(body: SendMessage, default_sender: str) -> str:
    sender = body.sender_id or body.wa_account_id
    return sender or _default_sender(body.channel, default_sender, field="senderId")


def _default_sender(channel: str, default_sender: str, *, field: str) -> str:
    if channel != WHATSAPP or not default_sender:
        raise InvalidInput(field, f"is required: there is no default sender of {channel}")
    return default_sender


def _address(channel: str, recipient: str, *, field: str) -> str:
    if channel != WHATSAPP:
        return recipient
    try:
        return to_e164(recipient)
    except InvalidRecipient as error:
        raise InvalidInput(field, str(error)) from error


def _fallback(body: SendMessage, recipient: str, default_sender: str) -> Fallback | None:
    """Return it with its address spelled out, and with a sender if its channel is another."""
    fallback = body.fallback
    if fallback is None:
        return None
    channel, sender = fallback.channel or body.channel, fallback.sender_id
    if sender is None and channel != body.channel:
        sender = _default_sender(channel, default_sender, field="fallback.senderId")
    recipient = _address(channel, fallback.recipient or recipient, field="fallback.recipient")
    return msgspec.structs.replace(fallback, sender_id=sender, recipient=recipient)


def _untimely(body: SendMessage, now: datetime) -> InvalidInput | None:
    """Return what is wrong with its times; a repetition is not asked, it may come late."""
    due_at = body.scheduled_at
    if due_at is not None and not now < due_at <= now + FARTHEST:
        return InvalidInput("scheduledAt", f"must lie in the future, at most {FARTHEST.days} days")
    return None if body.expires_at is None else wrong_expiry(body.expires_at, starts=due_at or now)
