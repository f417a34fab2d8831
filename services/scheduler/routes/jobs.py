"""Creating, cancelling, pausing and resuming jobs (BJ-01, BJ-04, IM-23, IM-55)."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from http import HTTPStatus
from typing import Final, Protocol

import msgspec
import sqlalchemy as sa
from fastapi import APIRouter, Request

from domain.identity import JobId
from runtime.clock import Clock
from runtime.errors import InvalidInput
from runtime.postgres import in_thread
from runtime.vault import Vault
from schemas.http.envelope import Envelope
from schemas.http.jobs import CreateJob, JobCreated, JobOutcome
from services.scheduler import job_control, job_intake
from services.scheduler.routes.body import IdempotencyKey, decode, read_body
from services.scheduler.routes.document import documented

LARGEST_BODY: Final = 32 * 1_024 * 1_024
"""Bytes: 100,000 recipients with some 300 bytes each."""

PAUSE: Final = "Feed nothing more until it is resumed"
RESUME: Final = "Go on with a paused job"

_DECODER: Final = msgspec.json.Decoder(CreateJob)


class Control(Protocol):
    """What is done to a job that is under way."""

    def __call__(self, connection: sa.Connection, job_id: JobId, *, now: datetime) -> JobOutcome:
        """Return what came of it. Raises `NotFound`."""
        ...


def router(
    engine: sa.Engine,
    vault: Vault,
    *,
    default_sender: str,
    clock: Clock,
    wake: Callable[[], None],
) -> APIRouter:
    """Return the routes; ``wake`` is called when there is something new to feed."""
    routes = APIRouter(tags=["jobs"])
    # One big body at a time is in memory in its decoded form, and one thread busy with it.
    storing = asyncio.Semaphore(1)

    @routes.post(
        "/api/v1/jobs",
        status_code=HTTPStatus.CREATED,
        summary="Send one content to many recipients",
        openapi_extra=documented(CreateJob),
    )
    async def create_job(
        request: Request, idempotency_key: IdempotencyKey = None
    ) -> Envelope[JobCreated]:
        raw = await read_body(request, limit=LARGEST_BODY)
        create = _creating(vault, raw, idempotency_key, default_sender, clock)
        async with storing:
            created = await in_thread(engine, create)
        wake()
        return Envelope(code=HTTPStatus.CREATED, data=created)

    def control(job_id: str, act: Control) -> Awaitable[JobOutcome]:
        return in_thread(engine, lambda connection: act(connection, JobId(job_id), now=clock()))

    @routes.post("/api/whatsapp/cancel-job/{jobId}", summary="Stop what is not on its way yet")
    async def cancel_job(jobId: str) -> JobOutcome:  # noqa: N803 - the parameter's public name
        return await control(jobId, job_control.cancel)

    @routes.post("/api/whatsapp/pause-job/{jobId}", summary=PAUSE)
    @routes.post("/api/v1/jobs/{jobId}/pause", summary=PAUSE)
    async def pause_job(jobId: str) -> JobOutcome:  # noqa: N803 - the parameter's public name
        return await control(jobId, job_control.pause)

    @routes.post("/api/whatsapp/resume-job/{jobId}", summary=RESUME)
    @routes.post("/api/v1/jobs/{jobId}/resume", summary=RESUME)
    async def resume_job(jobId: str) -> JobOutcome:  # noqa: N803 - the parameter's public name
        outcome = await control(jobId, job_control.resume)
        wake()
        return outcome

    return routes


def _creating(
    vault: Vault, raw: bytes, idempotency_key: str | None, default_sender: str, clock: Clock
) -> Callable[[sa.Connection], JobCreated]:
    """Return the work of a creating call, decoding included: it takes a thread's time, too."""

    def create(connection: sa.Connection) -> JobCreated:
        body = decode(_DECODER, raw)
        job_intake.check(body)
        sender_id = body.sender_id or default_sender
        if not sender_id:
            raise InvalidInput("senderId", "is required: this installation has no default sender")
        key = None if idempotency_key is None else job_intake.key_for(body, idempotency_key)
        return job_intake.create(connection, vault, body, sender_id=sender_id, key=key, now=clock())

    return create
