"""Composition root of one statistics process: the Faust worker, and the HTTP face over it."""

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from runtime import clock
from runtime.auth import Guard
from runtime.http import Face, application
from runtime.http_errors import shape_errors
from runtime.kafka.dead_letters import DeadLetters
from runtime.kafka.producer import Producer
from runtime.lifespan import running
from runtime.postgres import connect, in_thread
from services.statistics import table, transport
from services.statistics.routes import routes
from services.statistics.settings import StatisticsSettings
from services.statistics.source import topics_exist
from services.statistics.store import is_of_tenant
from services.statistics.worker import End, Worker

NAME = "statistics"


def build(settings: StatisticsSettings, end: End) -> FastAPI:
    """Return the application; ``end`` is called when only a fresh process can go on."""
    # For the guard alone: the counts need no database.
    engine = connect(settings.database_url.get_secret_value(), pool=2)
    # Without keys: it reads and rejects status-changes, which are not sealed.
    producer = Producer(settings.kafka_bootstrap_servers, NAME, None)
    dead_letters = DeadLetters(producer, NAME, clock.now)
    worker = Worker(settings, clock=clock.now, reject=dead_letters.add, end=end)

    async def ready() -> str | None:
        return worker.problem()

    async def owns(job_id: str, tenant_id: str) -> bool:
        return await in_thread(engine, lambda c: is_of_tenant(c, job_id, tenant_id))

    async def work() -> None:
        await topics_exist(settings.kafka_bootstrap_servers, worker.changelog)
        await worker.run()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        # Faust is not stopped: it would leave its group, and the next process wait for a rebalance.
        # What it has not committed is redelivered and found counted.
        async with running(statistics=work):
            yield
        await producer.stop()
        engine.dispose()

    app = application(Face("Sendtrail statistics", "Live statistics", ready, lifespan))
    app.include_router(routes(worker.entries, Guard(settings, engine), owns, clock.now))
    shape_errors(app)
    _quieten_faust()
    return app


def _quieten_faust() -> None:
    # It logs each of its inner services, in our name where a class of ours is one, and warns of
    # each batch that is written as one.
    for name in ("faust", "mode", transport.__name__, table.__name__):
        logging.getLogger(name).setLevel(logging.ERROR)
