"""``POST /api/v1/im/messages/{messageId}/retry``: a failed message once more (IM-37, CF-37)."""

import asyncio
from http import HTTPStatus
from typing import Annotated, Final

import msgspec
import sqlalchemy as sa
from fastapi import APIRouter, Depends, Path

from domain.identity import MessageId
from runtime.auth import Caller, Guard, Permission
from runtime.clock import Clock
from runtime.errors import NotFound
from runtime.kafka.producer import Producer
from runtime.vault import Vault
from schemas.http.envelope import Envelope
from schemas.http.im import MessageAccepted
from schemas.topics.records import MessageIdField
from services.scheduler.held import held
from services.scheduler.idempotency import Key, key_of
from services.scheduler.intake import PUBLISHED_WITHIN
from services.scheduler.metrics import SENDS_ACCEPTED
from services.scheduler.retrying import UNKNOWN, retry
from services.scheduler.routes.body import IdempotencyKey
from services.scheduler.store.keys import KeyName

CALL: Final = "POST /api/v1/im/messages/{messageId}/retry"


def router(
    engine: sa.Engine, vault: Vault, producer: Producer, guard: Guard, *, clock: Clock
) -> APIRouter:
    """Return the route."""
    routes = APIRouter(prefix="/api/v1/im", tags=["messages"])
    retrying = asyncio.Semaphore(1)
    """Each holds a connection until the broker has its record."""

    @routes.post(
        "/messages/{messageId}/retry",
        status_code=HTTPStatus.CREATED,
        summary="Send a failed message again, as a new one",
    )
    async def retry_message(
        message_id: Annotated[str, Path(alias="messageId")],
        caller: Annotated[Caller, Depends(guard.needs(Permission.MESSAGES_SEND))],
        idempotency_key: IdempotencyKey = None,
    ) -> Envelope[MessageAccepted]:
        original = _known_form(message_id)
        key = None if idempotency_key is None else _key(caller, original, idempotency_key)
        async with retrying:
            accepted = await held(
                engine,
                producer,
                lambda connection, publish: retry(
                    connection, vault, original, caller, key, publish=publish, now=clock()
                ),
                within=PUBLISHED_WITHIN,
            )
        SENDS_ACCEPTED.labels("now").inc()
        return Envelope(code=HTTPStatus.CREATED, data=accepted)

    return routes


def _known_form(message_id: str) -> MessageId:
    """Return the id. Raises `NotFound` where no message can have it."""
    try:
        return MessageId(msgspec.convert(message_id, MessageIdField))
    except msgspec.ValidationError as error:
        raise NotFound(UNKNOWN) from error


def _key(caller: Caller, original: MessageId, idempotency_key: str) -> Key:
    name = KeyName(caller.tenant_id or "", CALL, idempotency_key)
    return key_of(name, original.encode())
