"""``POST /api/v1/im/messages/{messageId}/retry``: a failed message once more (IM-37, CF-37)."""

import asyncio
from http import HTTPStatus
from typing import Annotated, Final

import msgspec
import sqlalchemy as sa
from fastapi import APIRouter, Depends, Path

from domain.identity import JobId, MessageId
from runtime.auth import Caller, Guard, Permission
from runtime.clock import Clock
from runtime.errors import NotFound
from runtime.kafka.producer import Producer
from runtime.postgres import in_thread
from runtime.vault import Vault
from schemas.http.envelope import Envelope
from schemas.http.im import MessageAccepted
from schemas.http.jobs import JobRetried
from schemas.topics.records import MessageIdField
from services.scheduler import job_control
from services.scheduler.held import held
from services.scheduler.idempotency import Key, key_of
from services.scheduler.intake import PUBLISHED_WITHIN
from services.scheduler.job_retrying import retry_batch
from services.scheduler.metrics import SENDS_ACCEPTED
from services.scheduler.retrying import UNKNOWN, retry
from services.scheduler.routes.body import IdempotencyKey
from services.scheduler.store.keys import KeyName

RETRY_JOB: Final = "Send again what failed of a job that has ended (BJ-07)"
MOST: Final = 2_000
"""Messages of a job that one call sends again."""
CALL: Final = "POST /api/v1/im/messages/{messageId}/retry"


def router(
    engine: sa.Engine, vault: Vault, producer: Producer, guard: Guard, *, clock: Clock
) -> APIRouter:
    """Return the route."""
    routes = APIRouter(tags=["messages"])
    retrying = asyncio.Semaphore(1)
    """Each holds a connection until the broker has its record."""

    @routes.post(
        "/api/v1/im/messages/{messageId}/retry",
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

    @routes.post("/api/whatsapp/retry-job/{jobId}", summary=RETRY_JOB)
    @routes.post("/api/v1/jobs/{jobId}/retry", summary=RETRY_JOB)
    async def retry_job(
        jobId: str,  # noqa: N803 - the parameter's public name
        caller: Annotated[Caller, Depends(guard.needs(Permission.JOBS_RUN))],
    ) -> JobRetried:
        """Once each, as new messages beside the job; asked again, only what failed since."""
        job_id = JobId(jobId)
        if not await in_thread(engine, lambda c: job_control.finished(c, job_id, caller)):
            return JobRetried(success=False, message="Job has not ended yet")
        retried, behind = 0, 0
        while behind is not None and retried < MOST:
            async with retrying:
                batch = await held(
                    engine,
                    producer,
                    lambda c, publish, after=behind: retry_batch(
                        c, vault, job_id, caller, after, publish=publish, now=clock()
                    ),
                )
            SENDS_ACCEPTED.labels("now").inc(batch.retried)
            retried, behind = retried + batch.retried, batch.behind
        told = f"{retried} messages are sent again"
        return JobRetried(success=True, message=told, retried=retried, more=behind is not None)

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
