"""Builds the fetcher: what it is made of, and in which order that starts and stops."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

from fastapi import FastAPI

from providers.media import MediaSource
from providers.tencent.shared_tokens import SharedTokens
from providers.wecom.api import WecomApi
from providers.wecom.media import WecomMedia
from providers.whatsapp.media import WhatsAppMedia
from runtime.clock import now
from runtime.fence import fence_of
from runtime.http import Face, application
from runtime.http_errors import shape_errors
from runtime.kafka.dead_letters import DeadLetters
from runtime.kafka.producer import Producer
from runtime.kafka.sealing import TopicKeys
from runtime.kafka.stream import A_MOMENT, Stream, StreamConfig
from runtime.lifespan import Work, every, running
from runtime.media import MediaStore
from runtime.postgres import connect
from runtime.settings import process_name
from runtime.vault import Vault
from schemas.topics.provider_events import (
    PROVIDER_EVENTS,
    MessageReceived,
    NoticeReceived,
    event_types,
)
from services.fetcher.handlers import COUNT_EVERY, Announcements, Tools, attempt, count_waiting
from services.fetcher.metrics import FETCHING
from services.fetcher.settings import FetcherSettings
from services.fetcher.walks import AT_ONCE, Desk, Walks
from services.fetcher.workers import Workers

MAX_IN_FLIGHT = 1_000


def build(settings: FetcherSettings, media: MediaStore) -> FastAPI:
    """Return the service; nothing runs before its lifespan begins."""
    keys = TopicKeys(settings)
    producer = Producer(settings.kafka_bootstrap_servers, "fetcher", keys)
    fence = fence_of(settings, owner=process_name())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        # A connection for each file or account that is being settled, and some for the rest.
        engine = connect(
            settings.database_url.get_secret_value(), pool=settings.fetcher_at_once + AT_ONCE + 4
        )
        whatsapp = WhatsAppMedia(settings)
        wecom = WecomApi(settings, SharedTokens(engine))
        sources: dict[str, MediaSource] = {"whatsapp": whatsapp}
        if settings.wecom_apps:
            sources["wecom"] = WecomMedia(wecom, settings.wecom_apps)
        fence.watch(engine)
        tools = Tools(settings, engine, producer, sources, media, Vault(settings), now)
        readers = {app.corp_id: app for app in settings.wecom_apps if app.kf}
        walks = Walks(tools, Desk(wecom, readers))
        workers = Workers(tools, attempt)
        announcements = Announcements(tools, workers.wake, walks.note)
        stream = _stream(settings, announcements, producer, keys)
        FETCHING.set_function(lambda: workers.busy)
        works: dict[str, Work] = {
            "counts": lambda: every(COUNT_EVERY, lambda: count_waiting(tools)),
            "unread": lambda: every(COUNT_EVERY, walks.count_unread),
            "claims": lambda: every(_renewal(settings), workers.renew),
            "workers": workers.run,
            "walks": walks.run,
            "stream": stream.run,
        }
        async with running(fence=lambda: fence.keep(works)):
            yield
        await whatsapp.close()
        await wecom.close()
        await producer.stop()
        engine.dispose()

    async def ready() -> str | None:
        return fence.problem or ("Kafka does not acknowledge" if producer.is_away else None)

    app = application(
        Face("Sendtrail fetcher", "Fetches the files that messages come with.", ready, lifespan)
    )
    shape_errors(app)
    return app


def _renewal(settings: FetcherSettings) -> timedelta:
    return settings.fetcher_claim_lasts / 3


def _stream(
    settings: FetcherSettings, announcements: Announcements, producer: Producer, keys: TopicKeys
) -> Stream:
    config = StreamConfig(
        bootstrap=settings.kafka_bootstrap_servers,
        group="fetcher",
        max_in_flight=MAX_IN_FLIGHT,
        gathers=A_MOMENT,
        wanted=event_types(MessageReceived, NoticeReceived),
    )
    letters = DeadLetters(producer, "fetcher", now)
    return Stream(config, [PROVIDER_EVENTS], announcements, letters, keys)
