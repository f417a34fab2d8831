"""Builds the scheduler: what it is made of, and in which order that starts and stops."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

import sqlalchemy as sa
from fastapi import APIRouter, Depends, FastAPI

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
from runtime.kafka.sealing import TopicKeys
from runtime.kafka.stream import A_MOMENT, Stream, StreamConfig
from runtime.lifespan import Work, every, running
from runtime.media import MediaStore
from runtime.postgres import connect, in_thread
from runtime.sealed_files import OpenedFiles
from runtime.settings import process_name
from runtime.vault import Vault
from schemas.http.im import MessageAccepted
from schemas.topics.provider_events import PROVIDER_EVENTS
from schemas.topics.status_changes import STATUS_CHANGES
from services.scheduler import handlers
from services.scheduler.feeder import Feeder
from services.scheduler.gather import Gather
from services.scheduler.intake import Asked, Intake
from services.scheduler.media.intake import MediaIntake
from services.scheduler.pulse import Pulse
from services.scheduler.routes import (
    analytics,
    document,
    feedback,
    jobs,
    media,
    messages,
    notifications,
    orders,
    preview_pages,
    previews,
    pushes,
    retries,
    task_lists,
    tasks,
    templates,
)
from services.scheduler.settings import SchedulerSettings
from services.scheduler.stalls import Stalls
from services.scheduler.store.waiting import Waiting
from services.scheduler.timed import notifying
from services.scheduler.timed.forms import Forms
from services.scheduler.timed.notice_words import WORDS
from services.scheduler.timed.preview_answers import WANTED, PreviewAnswers
from services.scheduler.timed.preview_notices import Notifier
from services.scheduler.timed.preview_pages import Links
from services.scheduler.timed.previews import PreviewDesk
from services.scheduler.timed.works import STALLS_EVERY, TimedPushes, by_the_database

SERVICE = "scheduler"

ANSWERED_WITHIN = timedelta(seconds=5)
"""A net: a broker that is away is found out within a second, a frozen database is not."""

TOGETHER = 200
"""Sends accepted in one transaction and one publish."""

QUEUED = 2_000
"""Sends that wait for the batch before them; more are refused with 503."""

IN_FLIGHT = 4_000
"""Status changes in memory."""

ANSWERS_AT_ONCE = 500
"""Answers to previews in memory."""

CHECKED_WITHIN = timedelta(milliseconds=500)
"""Each of the two that /readyz asks."""

CONNECTIONS = 22
"""Sends, retries, jobs, cancels, due sends, feeding, announcing, purging, sealing, settling,
previews, their answers, files, firing, handing over, telling, looking for stalls, notices, alerts,
looking for what waits, one that asks about tasks, and asking who calls, side by side."""


class Scheduler:
    """The parts, joined. Making one connects to nothing."""

    def __init__(self, settings: SchedulerSettings) -> None:
        self.settings = settings
        self.engine = connect(settings.database_url.get_secret_value(), pool=CONNECTIONS)
        self.vault = Vault(settings)
        self.fence = fence_of(settings, owner=process_name())
        self.fence.watch(self.engine)
        keys = TopicKeys(settings)
        self.producer = Producer(settings.kafka_bootstrap_servers, SERVICE, keys)
        intake = Intake(self.engine, self.vault, self.producer, now)
        self.gather = Gather(intake.accept, most=TOGETHER, queued=QUEUED)
        self.feeder = Feeder(
            self.engine,
            self.vault,
            self.producer,
            bounds=Bounds(per_job=settings.job_window, of_all=settings.jobs_in_flight),
            stalls=Stalls(settings.job_stalls_after),
            clock=now,
        )
        self.pushes = TimedPushes(
            self.engine,
            self.vault,
            self.producer,
            stalls_after=settings.push_stalls_after,
            forms=_forms(settings),
            words=WORDS[settings.notice_language],
        )
        self.pulse = Pulse(self.engine, now, by_the_database)
        breaker = Breaker(share=settings.job_breaker_share, after=settings.job_breaker_after)
        self.stream = Stream(
            StreamConfig(
                bootstrap=settings.kafka_bootstrap_servers,
                group=SERVICE,
                max_in_flight=IN_FLIGHT,
                gathers=A_MOMENT,
            ),
            [STATUS_CHANGES],
            handlers.StatusChanges(self.engine, breaker=breaker, clock=now, wake=self.feeder.wake),
            DeadLetters(self.producer, SERVICE, now),
            keys,
        )
        self.answers = self._answers(keys)
        self.previews = PreviewDesk(
            self.engine,
            self.vault,
            self.producer,
            _notifier(settings),
            most_a_minute=settings.preview_per_minute,
            clock=now,
            forms=_forms(settings),
        )

    def _answers(self, keys: TopicKeys) -> Stream:
        config = StreamConfig(
            bootstrap=self.settings.kafka_bootstrap_servers,
            group=f"{SERVICE}-answers",
            max_in_flight=ANSWERS_AT_ONCE,
            gathers=A_MOMENT,
            wanted=WANTED,
        )
        words = WORDS[self.settings.notice_language]
        handler = PreviewAnswers(self.engine, self.vault, words, now)
        letters = DeadLetters(self.producer, SERVICE, now)
        return Stream(config, [PROVIDER_EVENTS], handler, letters, keys)

    async def accept(self, asked: Asked) -> MessageAccepted:
        """Accept one send. Raises `Conflict` or `TryAgainLater`."""
        return await self.gather.ask(asked, within=ANSWERED_WITHIN)

    def works(self) -> dict[str, Work]:
        """Return what runs as long as the service does."""
        engine, vault, producer = self.engine, self.vault, self.producer
        self.pulse.wakes(Waiting.JOBS, self.feeder.rouse)
        self.pulse.wakes(Waiting.PUSHES, self.pushes.wake)
        return {
            "accept_sends": self.gather.run,
            "feed_jobs": self.feeder.run,
            "status_changes": self.stream.run,
            "preview_answers": self.answers.run,
            "look": self.pulse.run,
            "fire_due": lambda: self.pulse.each(
                Waiting.SENDS, lambda: handlers.fire_due(engine, vault, producer, now)
            ),
            "announce_jobs": lambda: self.pulse.each(
                Waiting.JOB_CHANGES, lambda: handlers.announce_jobs(engine, producer, now)
            ),
            **self._notifying(),
            "hand_over_pushes": self.pushes.hand_over_all,
            "fire_tasks": lambda: self.pulse.each(Waiting.TASKS, self.pushes.fire),
            "tell_task_changes": lambda: self.pulse.each(Waiting.TASK_CHANGES, self.pushes.tell),
            "push_stalls": lambda: every(STALLS_EVERY, self.pushes.look_for_stalls),
            "seal_old": lambda: every(
                handlers.SEALED_EVERY, lambda: handlers.seal_old(engine, vault)
            ),
            "purge": lambda: every(handlers.PURGE_EVERY, lambda: handlers.purge(engine, now)),
            "purge_tasks": lambda: every(
                handlers.PURGE_EVERY, lambda: handlers.purge_tasks(engine, now)
            ),
        }

    def _notifying(self) -> dict[str, Work]:
        engine, vault, producer = self.engine, self.vault, self.producer
        settings = self.settings
        works: dict[str, Work] = {
            "note_notices": lambda: every(
                notifying.NOTED_EVERY,
                lambda: notifying.note_due(engine, vault, settings, by_the_database),
            ),
            "send_notices": lambda: every(
                notifying.NOTICES_EVERY,
                lambda: notifying.send_due(engine, vault, producer, settings, by_the_database),
            ),
            "purge_failures": lambda: every(
                handlers.PURGE_EVERY, lambda: notifying.purge_failures(engine, now)
            ),
        }
        if settings.alert_robot:
            works["tell_failures"] = lambda: every(
                notifying.ALERTS_EVERY,
                lambda: notifying.tell_failures(engine, producer, settings, by_the_database),
            )
        return works

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


def build(settings: SchedulerSettings, store: MediaStore) -> FastAPI:
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
            "Accepts single sends, timed sends, jobs and timed push tasks.",
            scheduler.problem,
            lifespan,
        )
    )
    shape_errors(app)
    sender = settings.whatsapp_phone_number_id
    for room in _rooms(settings, scheduler, store, default_sender=sender):
        app.include_router(room, dependencies=[Depends(scheduler.fence.check)])
    document.complete(app)
    return app


def _rooms(
    settings: SchedulerSettings, scheduler: Scheduler, store: MediaStore, *, default_sender: str
) -> list[APIRouter]:
    engine, vault = scheduler.engine, scheduler.vault
    guard, wake = Guard(settings, engine), scheduler.feeder.wake
    files = OpenedFiles(store, engine, vault)
    words = WORDS[settings.notice_language]
    desk = tasks.Desk(engine, vault, guard, now, settings.app_timezone, _forms(settings))
    return [
        # A path is looked for in this order: what is asked for most stands first.
        task_lists.router(desk),
        tasks.router(desk),
        messages.router(scheduler.accept, guard, default_sender=default_sender, clock=now),
        orders.router(scheduler.accept, guard, default_sender=default_sender, clock=now),
        retries.router(engine, vault, scheduler.producer, guard, clock=now),
        jobs.router(engine, vault, guard, default_sender=default_sender, clock=now, wake=wake),
        analytics.router(scheduler.producer, guard, clock=now),
        # Where previews are told apart by their ids, "templates" is none.
        templates.router(engine, vault, guard, now),
        previews.router(engine, vault, guard, scheduler.previews, words, now),
        preview_pages.router(engine, Links(settings.link_keys, vault, now), files),
        notifications.router(engine, vault, guard, words, now),
        feedback.router(engine, vault, guard),
        media.router(engine, guard, MediaIntake(engine, store, now), files),
        pushes.router(engine, vault, guard, wake=scheduler.pushes.wake),
    ]


def _notifier(settings: SchedulerSettings) -> Notifier | None:
    if not settings.preview_template_id:
        return None
    return Notifier(
        settings.wechat_app_id,
        settings.preview_template_id,
        settings.preview_template_data,
        settings.preview_page,
        settings.link_keys[0],
        settings.preview_link_lasts,
    )


def _forms(settings: SchedulerSettings) -> Forms | None:
    if not settings.public_url or not settings.link_keys:
        return None
    return Forms(settings.public_url, settings.link_keys[0], settings.feedback_open_for)
