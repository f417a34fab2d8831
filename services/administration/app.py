"""Builds the administration: what it is made of, and in which order that starts and stops."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

import sqlalchemy as sa
from fastapi import FastAPI

from runtime.auth import Guard
from runtime.clock import now
from runtime.errors import TryAgainLater
from runtime.http import Face, application
from runtime.http_errors import shape_errors
from runtime.lifespan import every, running
from runtime.media import open_store
from runtime.postgres import connect, in_thread
from runtime.vault import Vault
from services.administration.erasing import Eraser
from services.administration.passwords import Passwords
from services.administration.retention import LOOK_EVERY, Retention
from services.administration.roles import BUILT_IN
from services.administration.routes import audit, auth, people, roles, tenants, users
from services.administration.sessions import Sessions
from services.administration.settings import AdministrationSettings
from services.administration.store import credentials, failures
from services.administration.store import roles as role_rows

TIDY_EVERY = timedelta(hours=1)
ENDED_KEPT = timedelta(days=1)
"""Sessions that have ended stay for a look."""
CHECKED_WITHIN = timedelta(milliseconds=500)


def build(settings: AdministrationSettings) -> FastAPI:
    """Return the service; nothing runs before its lifespan begins."""
    engine = connect(settings.database_url.get_secret_value())
    guard, passwords = Guard(settings, engine), Passwords()
    sessions = Sessions(engine, passwords, settings, now)
    media = open_store(settings)
    eraser = Eraser(engine, Vault(settings), media, now)
    retention = Retention(engine, media, now, kept=settings.message_retention)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        async with running(
            tidy=lambda: every(TIDY_EVERY, lambda: _tidy(engine, settings.auth_lock_for)),
            retention=lambda: every(LOOK_EVERY, retention.tick),
        ):
            yield
        engine.dispose()

    async def ready() -> str | None:
        try:
            async with asyncio.timeout(CHECKED_WITHIN.total_seconds()):
                await in_thread(engine, lambda c: c.execute(sa.text("SELECT 1")))
        except (TryAgainLater, TimeoutError):
            return "PostgreSQL does not answer"
        return None

    app = application(
        Face("Sendtrail administration", "Who may do what, and who changed what.", ready, lifespan)
    )
    shape_errors(app)
    app.include_router(auth.routes(sessions, guard, settings.auth_trusted_proxies))
    app.include_router(users.routes(engine, guard, passwords, now))
    app.include_router(roles.routes(engine, guard, now))
    app.include_router(tenants.routes(engine, guard, now))
    app.include_router(audit.routes(engine, guard))
    app.include_router(people.routes(eraser, guard))
    return app


async def _tidy(engine: sa.Engine, failures_kept: timedelta) -> bool:
    """Keep the built-in roles as they are to be, and forget what has ended."""
    moment = now()

    def work(connection: sa.Connection) -> None:
        role_rows.keep_built_in(connection, BUILT_IN, now=moment)
        credentials.forget(connection, before=moment - ENDED_KEPT)
        failures.forget(connection, before=moment - failures_kept)

    await in_thread(engine, work)
    return False
