"""Builds the projector: what it is made of, and in which order that starts and stops."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import uuid4

from fastapi import FastAPI

from runtime.auth import Guard
from runtime.clock import now
from runtime.fence import fence_of
from runtime.http import Face, application
from runtime.http_errors import shape_errors
from runtime.kafka.dead_letters import DeadLetters
from runtime.kafka.producer import Producer
from runtime.kafka.sealing import TopicKeys
from runtime.kafka.stream import Stream, StreamConfig
from runtime.lifespan import Work, every, running
from runtime.postgres import connect
from runtime.vault import Vault
from schemas.topics.provider_events import PROVIDER_EVENTS
from schemas.topics.send_requests import SEND_REQUESTS
from schemas.topics.task_changes import TASK_CHANGES
from services.status_projector.figures import Terms
from services.status_projector.handlers import Facts, Tools
from services.status_projector.housekeeping import expire_parked, keep_months, watch_callbacks
from services.status_projector.live.hub import Hub
from services.status_projector.publisher import Publisher, PublisherConfig
from services.status_projector.routes import (
    conversations,
    delivery,
    explain,
    figures,
    group_sends,
    job_results,
    jobs,
    live,
    messages,
    one_message,
    search,
    talks,
    tasks,
    tickets,
)
from services.status_projector.routes.parts import Parts
from services.status_projector.settings import ProjectorSettings

GROUP = "status-projector"
EXPIRE_TICK = timedelta(seconds=5)
MONTHS_TICK = timedelta(hours=12)
QUERIES_AT_ONCE = 8
"""Connections of the query API: its callers and the projector do not wait for each other."""
STALE_TICK = timedelta(seconds=30)


def build(settings: ProjectorSettings) -> FastAPI:
    """Return the service; nothing runs before its lifespan begins."""
    bootstrap = settings.kafka_bootstrap_servers
    engine = connect(settings.database_url.get_secret_value())
    asked = connect(settings.database_url.get_secret_value(), pool=QUERIES_AT_ONCE)
    keys = TopicKeys(settings)
    producer = Producer(bootstrap, GROUP, keys)
    letters = DeadLetters(producer, "status_projector", now)
    # The random part: a name is fenced for good, and in containers every process has the same
    # host and number.
    owner = f"{settings.projector_owner}:{uuid4().hex[:8]}"
    config = PublisherConfig(bootstrap, GROUP, owner, settings.projector_transaction_within)
    publisher = Publisher(config)
    vault, guard = Vault(settings), Guard(settings, engine)
    tools = Tools(engine, vault, publisher, letters, now, settings.zone)
    fence = fence_of(settings, owner=owner)
    fence.watch(engine)
    hub = Hub(bootstrap, engine, vault, keys, clock=now, keep=settings.projector_live_keep)
    works = _works(settings, tools, letters, keys) | {
        "live": hub.run,
        "live_arrivals": hub.run_arrivals,
        "live_jobs": hub.run_jobs,
    }

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        async with running(fence=lambda: fence.keep(works)):
            yield
        await publisher.stop()
        await producer.stop()
        asked.dispose()
        engine.dispose()

    async def ready() -> str | None:
        return fence.problem or ("Kafka does not acknowledge" if producer.is_away else None)

    app = application(
        Face(
            "Sendtrail projector",
            "Status, histories and live changes.",
            ready,
            lifespan,
            drain=hub.drain,
        )
    )
    parts = Parts(asked, vault, guard, now, _terms(settings))
    # A path is looked for in this order: what pollers ask for stands first.
    app.include_router(messages.routes(asked, guard))
    # Before the messages by their ids: "stale" is none.
    app.include_router(explain.routes(asked, vault, guard, now, settings.prices))
    for room in (one_message, talks, search, figures, delivery, group_sends):
        app.include_router(room.routes(parts))
    app.include_router(live.routes(hub, guard))
    app.include_router(jobs.routes(asked, vault, guard, now))
    app.include_router(job_results.routes(asked, vault, guard))
    app.include_router(tasks.routes(asked, guard, now))
    app.include_router(conversations.routes(engine, guard, now))
    app.include_router(tickets.routes(guard))
    shape_errors(app)
    return app


def _terms(settings: ProjectorSettings) -> Terms:
    return Terms(settings.zone, settings.prices, settings.sender_daily_limit)


def _works(
    settings: ProjectorSettings, tools: Tools, letters: DeadLetters, keys: TopicKeys
) -> dict[str, Work]:
    """Return what runs as long as this is the live database."""
    facts = Facts(tools)
    return {
        "months": lambda: every(
            MONTHS_TICK,
            lambda: keep_months(
                tools,
                retention=settings.message_retention,
                park_for=settings.projector_park_for,
            ),
        ),
        "stale": lambda: every(
            STALE_TICK,
            lambda: watch_callbacks(
                tools,
                stale_after=settings.projector_stale_after,
                threshold=settings.projector_stale_share,
            ),
        ),
        "parked": lambda: every(
            EXPIRE_TICK, lambda: expire_parked(tools, settings.projector_park_for)
        ),
        "stream": lambda: _stream(settings, facts, letters, keys).run(),
    }


def _stream(
    settings: ProjectorSettings, facts: Facts, letters: DeadLetters, keys: TopicKeys
) -> Stream:
    config = StreamConfig(
        bootstrap=settings.kafka_bootstrap_servers,
        group=GROUP,
        max_in_flight=settings.projector_batch,
        max_poll=settings.projector_batch,
    )
    topics = [SEND_REQUESTS, PROVIDER_EVENTS, TASK_CHANGES]
    return Stream(config, topics, facts, letters, keys, let_go=facts.let_go)
