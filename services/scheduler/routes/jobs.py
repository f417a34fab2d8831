"""Creating, cancelling, pausing and resuming jobs (BJ-01, BJ-04, IM-23, IM-55)."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Annotated, Final, Protocol

import msgspec
import sqlalchemy as sa
from fastapi import APIRouter, Depends, Request

from domain.identity import JobId
from runtime.auth import Caller, Guard, Permission
from runtime.bodies import decode, read_body
from runtime.clock import Clock
from runtime.errors import InvalidInput
from runtime.postgres import in_thread
from runtime.vault import Vault
from schemas.http.envelope import Envelope
from schemas.http.jobs import CreateJob, JobCreated, JobOutcome
from services.scheduler import job_control, job_intake
from services.scheduler.routes.body import IdempotencyKey
from services.scheduler.routes.document import documented

LARGEST_BODY: Final = 32 * 1_024 * 1_024
"""Bytes: 100,000 recipients with some 300 bytes each."""

PAUSE: Final = "Feed nothing more until it is resumed"
RESUME: Final = "Go on with a paused job"

_DECODER: Final = msgspec.json.Decoder(CreateJob)


class Control(Protocol):
    """What is done to a job that is under way."""

    def __call__(
        self, connection: sa.Connection, job_id: JobId, caller: Caller, *, now: datetime
    ) -> JobOutcome:
        """Return what came of it. Raises `NotFound`."""
        ...


def router(
    engine: sa.Engine,
    vault: Vault,
    guard: Guard,
    *,
    default_sender: str,
    clock: Clock,
    wake: Callable[[], None],
) -> APIRouter:
    """Return the routes; ``wake`` is called when there is something new to feed."""
    routes = APIRouter(tags=["jobs"])
    # One big body at a time is in memory in its decoded form, and one thread busy with it.
    storing = asyncio.Semaphore(1)
    runner = Depends(guard.needs(Permission.JOBS_RUN))
    _add_control(routes, engine, guard, clock=clock, wake=wake)

    @routes.post(
        "/api/v1/jobs",
        status_code=HTTPStatus.CREATED,
        summary="Send one content to many recipients",
        openapi_extra=documented(CreateJob),
    )
    async def create_job(
        request: Request,
        caller: Annotated[Caller, runner],
        idempotency_key: IdempotencyKey = None,
    ) -> Envelope[JobCreated]:
        raw = await read_body(request, limit=LARGEST_BODY)
        asked = partial(_asked, raw, idempotency_key, caller, default_sender)
        async with storing:
            # Decoding included: it takes a thread's time, too.
            created = await in_thread(
                engine, lambda c: job_intake.create(c, vault, asked(), now=clock())
            )
        wake()
        return Envelope(code=HTTPStatus.CREATED, data=created)

    return routes


def _add_control(
    routes: APIRouter, engine: sa.Engine, guard: Guard, *, clock: Clock, wake: Callable[[], None]
) -> None:
    runner = Depends(guard.needs(Permission.JOBS_RUN))

    def control(job_id: str, caller: Caller, act: Control) -> Awaitable[JobOutcome]:
        return in_thread(engine, lambda c: act(c, JobId(job_id), caller, now=clock()))

    @routes.post("/api/whatsapp/cancel-job/{jobId}", summary="Stop what is not on its way yet")
    async def cancel_job(
        jobId: str,  # noqa: N803 - the parameter's public name
        caller: Annotated[Caller, runner],
    ) -> JobOutcome:
        return await control(jobId, caller, job_control.cancel)

    @routes.post("/api/whatsapp/pause-job/{jobId}", summary=PAUSE)
    @routes.post("/api/v1/jobs/{jobId}/pause", summary=PAUSE)
    async def pause_job(
        jobId: str,  # noqa: N803 - the parameter's public name
        caller: Annotated[Caller, runner],
    ) -> JobOutcome:
        return await control(jobId, caller, job_control.pause)

    @routes.post("/api/whatsapp/resume-job/{jobId}", summary=RESUME)
    @routes.post("/api/v1/jobs/{jobId}/resume", summary=RESUME)
    async def resume_job(
        jobId: str,  # noqa: N803 - the parameter's public name
        caller: Annotated[Caller, runner],
    ) -> JobOutcome:
        outcome = await control(jobId, caller, job_control.resume)
        wake()
        return outcome


def _asked(
    raw: bytes, idempotency_key: str | None, caller: Caller, default_sender: str
) -> job_intake.Asked:
    body = decode(_DECODER, raw)
    body = msgspec.structs.replace(body, tenant_id=caller.tenant_for(body.tenant_id))
    job_intake.check(body)
    sender_id = body.sender_id or default_sender
    if not sender_id:
        raise InvalidInput("senderId", "is required: this installation has no default sender")
    key = None if idempotency_key is None else job_intake.key_for(body, idempotency_key)
    return job_intake.Asked(body, sender_id, caller, key)
