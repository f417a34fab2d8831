"""``POST /api/whatsapp/orders/{orderId}/status``: customers hear of their orders (WA-15, IM-47)."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Final
from uuid import uuid4

import msgspec
from fastapi import APIRouter, Depends, Path, Request

from domain.identity import MessageId, message_id_for_key, message_id_from
from domain.recipients import InvalidRecipient, to_e164
from runtime.auth import Caller, Guard, Permission
from runtime.bodies import decode, documented, read_body
from runtime.clock import Clock
from runtime.errors import InvalidInput
from schemas.http.im import MessageAccepted
from schemas.http.orders import CustomerTold, OrderStatus
from schemas.topics.send_requests import SendRequested
from services.scheduler.idempotency import Key, key_of
from services.scheduler.intake import Asked
from services.scheduler.order_words import template_of, text_of
from services.scheduler.routes.body import IdempotencyKey
from services.scheduler.store.keys import KeyName

CALL: Final = "POST /api/whatsapp/orders/status"
LARGEST_BODY: Final = 16 * 1_024
"""Bytes."""

_DECODER: Final = msgspec.json.Decoder(OrderStatus)

OrderId = Annotated[str, Path(min_length=1, max_length=100)]


def router(
    accept: Callable[[Asked], Awaitable[MessageAccepted]],
    guard: Guard,
    *,
    default_sender: str,
    clock: Clock,
) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/api/whatsapp", tags=["messages"])

    @routes.post(
        "/orders/{orderId}/status",
        summary="Tell a customer that an order has another status",
        openapi_extra=documented(OrderStatus),
    )
    async def order_has_status(
        request: Request,
        orderId: OrderId,  # noqa: N803 - the parameter's public name
        caller: Annotated[Caller, Depends(guard.needs(Permission.MESSAGES_SEND))],
        idempotency_key: IdempotencyKey = None,
    ) -> CustomerTold:
        body = decode(_DECODER, await read_body(request, limit=LARGEST_BODY))
        body = msgspec.structs.replace(body, tenant_id=caller.tenant_for(body.tenant_id))
        _must_be_lines(orderId, body)
        if body.whatsapp_number is None:
            return CustomerTold(message="Skipped: the customer has no WhatsApp number")
        key = None if idempotency_key is None else _key(orderId, body, idempotency_key)
        number = body.order_number or orderId
        news = SendRequested(
            message_id=_message_id(key),
            channel="whatsapp",
            sender_id=_sender(body, default_sender),
            recipient=_number(body.whatsapp_number),
            content=text_of(number, body.status),
            requested_at=clock(),
            fallback=template_of(number, body.status),
            tenant_id=body.tenant_id,
            contact_id=body.contact_id,
            order_id=orderId,
            agent_id=caller.user_id,
        )
        accepted = await accept(Asked(news, None, key))
        return CustomerTold(message="The customer is told", message_id=accepted.message_id)

    return routes


def _must_be_lines(order_id: str, body: OrderStatus) -> None:
    """Refuse what a template's parameter may not hold: breaks, tabs and the like."""
    values = {
        "orderId": order_id,
        "status": body.status,
        "orderNumber": body.order_number or "",
        "contactId": body.contact_id or "",
    }
    for field, value in values.items():
        if not value.isprintable():
            raise InvalidInput(field, "must be one line of printable characters")


def _key(order_id: str, body: OrderStatus, idempotency_key: str) -> Key:
    name = KeyName(body.tenant_id or "", CALL, idempotency_key)
    return key_of(name, msgspec.json.encode((order_id, body), order="deterministic"))


def _message_id(key: Key | None) -> MessageId:
    if key is None:
        return message_id_from(uuid4())
    # With the call's name: single sends may have the same key.
    return message_id_for_key(key.name.tenant, f"{CALL} {key.name.key}")


def _sender(body: OrderStatus, default_sender: str) -> str:
    if not (sender := body.sender_id or default_sender):
        raise InvalidInput("senderId", "is required: there is no default sender of whatsapp")
    return sender


def _number(given: str) -> str:
    try:
        return to_e164(given)
    except InvalidRecipient as error:
        raise InvalidInput("whatsappNumber", str(error)) from error
