"""Builds the scheduler: what it is made of, and in which order that starts and stops."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

import sqlalchemy as sa
from fastapi import Depends, FastAPI

from domain.breaker import Breaker
from domain.pacing import Bounds
from runtime.auth import Guard
from runtime.clock import now
from runtime.errors import TryAgainLater
from runtime.fence import fence_of
from runtime.http import Face, application
from runtime.http_errors import shape_errors
from runtime.kafka.dead_letters import DeadLetters
from runtime.kafka.producer import Producer
from runtime.kafka.stream import Stream, StreamConfig
from runtime.lifespan import Work, every, running
from runtime.postgres import connect, in_thread
from runtime.settings import process_name
from runtime.vault import Vault
from schemas.http.im import MessageAccepted
from schemas.topics.status_changes import STATUS_CHANGES
from services.scheduler import handlers
from services.scheduler.feeder import Feeder
from services.scheduler.gather import Gather
from services.scheduler.intake import Asked, Intake
from services.scheduler.routes import analytics, document, jobs, messages, retries
from services.scheduler.settings import SchedulerSettings
from services.scheduler.stalls import Stalls

SERVICE = "scheduler"

ANSWERED_WITHIN = timedelta(seconds=5)
"""A net: a broker that is away is found out within a second, a frozen database is not."""

TOGETHER = 200
"""Sends accepted in one transaction and one publish."""

QUEUED = 2_000
"""Sends that wait for the batch before them; more are refused with 503."""

IN_FLIGHT = 4_000
"""Status changes in memory."""

CHECKED_WITHIN = timedelta(milliseconds=500)
"""Each of the two that /readyz asks."""

CONNECTIONS = 10
"""Sends, retries, jobs, cancels, due sends, feeding, announcing, purging, settling and asking who
calls, side by side."""


class Scheduler:
    """The parts, joined. Making one connects to nothing."""

    def __init__(self, settings: SchedulerSettings) -> None:
        self.engine = connect(settings.database_url.get_secret_value(), pool=CONNECTIONS)
        self.vault = Vault(settings)
        self.fence = fence_of(settings, owner=process_name())
        self.fence.watch(self.engine)
        self.producer = Producer(settings.kafka_bootstrap_servers, SERVICE)
        intake = Intake(self.engine, self.vault, self.producer, now)
        self.gather: Gather[Asked, MessageAccepted] = Gather(
            intake.accept, most=TOGETHER, queued=QUEUED
        )
        self.feeder = Feeder(
            self.engine,
            self.vault,
            self.producer,
            bounds=Bounds(per_job=settings.job_window, of_all=settings.jobs_in_flight),
            stalls=Stalls(settings.job_stalls_after),
            clock=now,
        )
        breaker = Breaker(share=settings.job_breaker_share, after=settings.job_breaker_after)
        self.stream = Stream(
            StreamConfig(
                bootstrap=settings.kafka_bootstrap_servers, group=SERVICE, max_in_flight=IN_FLIGHT
            ),
            [STATUS_CHANGES],
            handlers.StatusChanges(self.engine, breaker=breaker, clock=now, wake=self.feeder.wake),
            DeadLetters(self.producer, SERVICE, now),
        )

    async def accept(self, asked: Asked) -> MessageAccepted:
        """Accept one send. Raises `Conflict` or `TryAgainLater`."""
        return await self.gather.ask(asked, within=ANSWERED_WITHIN)

    def works(self) -> dict[str, Work]:
        """Return what runs as long as the service does."""
        engine, vault, producer = self.engine, self.vault, self.producer
        return {
            "accept_sends": self.gather.run,
            "feed_jobs": self.feeder.run,
            "status_changes": self.stream.run,
            "fire_due": lambda: every(
                handlers.DUE_EVERY, lambda: handlers.fire_due(engine, vault, producer, now)
            ),
            "announce_jobs": lambda: every(
                handlers.ANNOUNCE_EVERY, lambda: handlers.announce_jobs(engine, producer, now)
            ),
            "purge": lambda: every(handlers.PURGE_EVERY, lambda: handlers.purge(engine, now)),
        }

    async def stop(self) -> None:
        """Close what the works have left."""
        await self.producer.stop()
        self.engine.dispose()

    async def problem(self) -> str | None:
        """Return what keeps it from working, None when all is well."""
        try:
            await self.producer.reach(within=CHECKED_WITHIN)
        except TryAgainLater:
            return "Kafka does not answer"
        try:
            async with asyncio.timeout(CHECKED_WITHIN.total_seconds()):
                await in_thread(self.engine, lambda c: c.execute(sa.text("SELECT 1")))
        except (TryAgainLater, TimeoutError):
            return "PostgreSQL does not answer"
        return self.fence.problem


def build(settings: SchedulerSettings) -> FastAPI:
    """Return the service; nothing runs before its lifespan begins."""
    scheduler = Scheduler(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        async with running(fence=lambda: scheduler.fence.keep(scheduler.works())):
            yield
        await scheduler.stop()

    app = application(
        Face(
            "Sendtrail scheduler",
            "Accepts single sends, timed sends and jobs.",
            scheduler.problem,
            lifespan,
        )
    )
    shape_errors(app)
    sender = settings.whatsapp_phone_number_id
    guard, live = Guard(settings, scheduler.engine), [Depends(scheduler.fence.check)]
    engine, vault, wake = scheduler.engine, scheduler.vault, scheduler.feeder.wake
    for room in (
        messages.router(scheduler.accept, guard, default_sender=sender, clock=now),
        retries.router(engine, vault, scheduler.producer, guard, clock=now),
        jobs.router(engine, vault, guard, default_sender=sender, clock=now, wake=wake),
        analytics.router(scheduler.producer, guard, clock=now),
    ):
        app.include_router(room, dependencies=live)
    document.complete(app)
    return app
