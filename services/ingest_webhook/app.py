"""Builds the ingester: what it is made of, and in which order that starts and stops."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from time import monotonic

from fastapi import FastAPI

from runtime.clock import now
from runtime.errors import BrokerAway
from runtime.http import Face, application
from runtime.http_errors import shape_errors
from runtime.kafka.producer import Producer
from runtime.kafka.sealing import TopicKeys
from runtime.sources import Buckets
from services.ingest_webhook.admission import Admission
from services.ingest_webhook.door import Door
from services.ingest_webhook.feedback.opinions import Desk as FeedbackDesk
from services.ingest_webhook.handlers import Intake
from services.ingest_webhook.metrics import IN_FLIGHT
from services.ingest_webhook.previews.answers import Desk
from services.ingest_webhook.previews.source import Source
from services.ingest_webhook.rate import RateLimited
from services.ingest_webhook.routes import feedback, previews, wechat, wecom, whatsapp
from services.ingest_webhook.settings import IngesterSettings
from services.ingest_webhook.tencent import Reception

REACH_WITHIN = timedelta(milliseconds=500)

FEEDBACK_PER_SECOND = 1
FEEDBACK_BURST = 60
"""Answers to forms from one address: a whole school may be behind one, a flood is more."""


def build(settings: IngesterSettings) -> FastAPI:
    """Return the service; nothing runs before its lifespan begins."""
    producer = Producer(settings.kafka_bootstrap_servers, "ingest_webhook", TopicKeys(settings))
    door, source = _door(settings), Source(settings.previews_url)
    IN_FLIGHT.set_function(lambda: door.admission.in_flight)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        yield
        await source.close()
        await producer.stop()

    async def ready() -> str | None:
        try:
            await producer.reach(within=REACH_WITHIN)
        except BrokerAway as error:
            return f"Kafka is away: {error}"
        return None

    app = application(
        Face("Sendtrail ingester", "Takes in the callbacks of providers.", ready, lifespan)
    )
    intake = Intake(producer, settings.app_secrets, settings.ingest_publish_within, now)
    # The last one is tried first: nearly all callbacks are WhatsApp's.
    feedback_desk = FeedbackDesk(settings.link_keys, now, _answers_from_a_source(settings))
    feedback.add_routes(app, door, intake, feedback_desk, settings.ingest_trusted_proxies)
    previews.add_routes(app, door, intake, Desk(settings.link_keys, now), source)
    window = settings.ingest_replay_window
    wechat_apps = tuple(each.app for each in settings.wechat_callback_apps)
    wechat.add_routes(app, door, Reception(intake, wechat_apps, window))
    wecom_apps = tuple(each.app for each in settings.wecom_callback_apps)
    wecom.add_routes(app, door, Reception(intake, wecom_apps, window))
    whatsapp.add_routes(app, door, intake, settings.verify_tokens)
    shape_errors(app)
    _limit_rate(app, settings)
    return app


def _door(settings: IngesterSettings) -> Door:
    return Door(
        Admission(callbacks=settings.ingest_in_flight, body_bytes=settings.ingest_in_flight_bytes),
        body_bytes=settings.ingest_body_bytes,
        body_within=settings.ingest_body_within,
    )


def _answers_from_a_source(settings: IngesterSettings) -> Buckets:
    return Buckets(
        per_second=FEEDBACK_PER_SECOND, burst=FEEDBACK_BURST, remembered=settings.ingest_sources
    )


def _limit_rate(app: FastAPI, settings: IngesterSettings) -> None:
    buckets = Buckets(
        per_second=settings.ingest_rate_per_source,
        burst=settings.ingest_rate_burst,
        remembered=settings.ingest_sources,
    )
    trusted = settings.ingest_trusted_proxies
    app.add_middleware(RateLimited, buckets=buckets, trusted=trusted, clock=monotonic)
