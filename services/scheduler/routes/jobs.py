"""``POST /api/v1/jobs`` and ``POST /api/whatsapp/cancel-job/{jobId}`` (BJ-01, BJ-04, IM-23)."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from fastapi import APIRouter, Request

from domain.identity import JobId
from runtime.clock import Clock
from runtime.errors import InvalidInput
from runtime.postgres import in_thread
from schemas.http.envelope import Envelope
from schemas.http.jobs import CreateJob, JobCreated, JobOutcome
from services.scheduler import job_intake
from services.scheduler.routes.body import IdempotencyKey, decode, documented, read_body

LARGEST_BODY: Final = 32 * 1_024 * 1_024
"""Bytes: 100,000 recipients with some 300 bytes each."""

_PART: Final = "#/$defs/"
"""As pydantic's own schemas refer to their parts."""

_DECODER: Final = msgspec.json.Decoder(CreateJob)


def router(
    engine: sa.Engine, *, default_sender: str, clock: Clock, wake: Callable[[], None]
) -> APIRouter:
    """Return the routes; ``wake`` is called when there is something new to feed."""
    routes = APIRouter(tags=["jobs"])
    # One big body at a time is in memory in its decoded form, and one thread busy with it.
    storing = asyncio.Semaphore(1)

    @routes.post(
        "/api/v1/jobs",
        status_code=HTTPStatus.CREATED,
        summary="Send one text to many recipients",
        openapi_extra=documented(_schema()),
    )
    async def create_job(
        request: Request, idempotency_key: IdempotencyKey = None
    ) -> Envelope[JobCreated]:
        raw = await read_body(request, limit=LARGEST_BODY)
        create = _creating(raw, idempotency_key, default_sender, clock)
        async with storing:
            created = await in_thread(engine, create)
        wake()
        return Envelope(code=HTTPStatus.CREATED, data=created)

    @routes.post("/api/whatsapp/cancel-job/{jobId}", summary="Stop what is not on its way yet")
    async def cancel_job(jobId: str) -> JobOutcome:  # noqa: N803 - the parameter's public name
        return await in_thread(engine, lambda c: job_intake.cancel(c, JobId(jobId), now=clock()))

    return routes


def _creating(
    raw: bytes, idempotency_key: str | None, default_sender: str, clock: Clock
) -> Callable[[sa.Connection], JobCreated]:
    """Return the work of a creating call, decoding included: it takes a thread's time, too."""

    def create(connection: sa.Connection) -> JobCreated:
        body = decode(_DECODER, raw)
        job_intake.refuse_nul(body)
        sender_id = body.sender_id or default_sender
        if not sender_id:
            raise InvalidInput("senderId", "is required: this installation has no default sender")
        key = None if idempotency_key is None else job_intake.key_for(body, idempotency_key)
        return job_intake.create(connection, body, sender_id=sender_id, key=key, now=clock())

    return create


def _schema() -> dict[str, Any]:
    """Return the body's JSON Schema, the parts it refers to inside it."""
    (schema,), parts = msgspec.json.schema_components([CreateJob], ref_template=_PART + "{name}")
    top = parts.pop(schema["$ref"].removeprefix(_PART))
    return top | {"$defs": parts}
