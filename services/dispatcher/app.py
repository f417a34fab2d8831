"""Builds the dispatcher: what it is made of, and in which order that starts and stops."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

import sqlalchemy as sa
from fastapi import FastAPI

from providers.channels import open_channels
from providers.contract import Channel
from providers.tencent.shared_tokens import SharedTokens
from providers.wechat import channel as wechat
from providers.wecom import channel as wecom
from providers.whatsapp.client import WhatsAppChannel
from providers.whatsapp.templates import LOOK_EVERY, TemplateBook, TemplateKeeper
from runtime.clock import now
from runtime.fence import Fence, fence_of
from runtime.http import Face, application
from runtime.http_errors import shape_errors
from runtime.kafka.dead_letters import DeadLetters
from runtime.kafka.producer import Producer
from runtime.kafka.sealing import TopicKeys
from runtime.kafka.stream import A_MOMENT, Stream, StreamConfig
from runtime.lifespan import Work, every, running
from runtime.media import MediaSettings, open_store
from runtime.postgres import connect
from runtime.sealed_files import OpenedFiles
from runtime.vault import Vault
from schemas.topics.provider_events import PROVIDER_EVENTS
from schemas.topics.send_requests import SEND_REQUESTS
from services.dispatcher.breaking import SenderBreaker
from services.dispatcher.desk import Admission
from services.dispatcher.due import call_due_for_ever, fail_halted
from services.dispatcher.erased import fail_erased
from services.dispatcher.fallbacks import send_due
from services.dispatcher.finding import Finding
from services.dispatcher.follow_ups import FollowUps
from services.dispatcher.handlers import Requests, Tools, settle_doubts
from services.dispatcher.metrics import CALLING, IN_FLIGHT
from services.dispatcher.people import WANTED, Listener, matters
from services.dispatcher.read_marks import ReadMarks
from services.dispatcher.recorder import Recorder
from services.dispatcher.reported import Reported
from services.dispatcher.settings import DispatcherSettings
from services.dispatcher.standing import forget
from services.dispatcher.watching import Watch

DOUBT_TICK = timedelta(seconds=1)
SENDERS_TICK = timedelta(seconds=5)
WAITING_TICK = timedelta(minutes=1)
BREAKER_TICK = timedelta(seconds=1)
FORGET_TICK = timedelta(minutes=10)
HEARD_AT_ONCE = 1_000
"""Messages from people that are entered together."""
FALLBACK_TICK = timedelta(seconds=1)
CONNECTIONS = 10
"""Claims, outcomes, due messages, doubts, people and the lesser works, side by side."""


class Dispatcher:
    """The parts, joined. Making one connects to nothing."""

    def __init__(
        self,
        settings: DispatcherSettings,
        keys: TopicKeys,
        producer: Producer,
        vault: Vault,
        fence: Fence,
    ) -> None:
        self._settings = settings
        self._producer = producer
        self._engine = connect(settings.database_url.get_secret_value(), pool=CONNECTIONS)
        fence.watch(self._engine)
        # What people sent us lies there sealed, and may be sent on.
        files = OpenedFiles(open_store(MediaSettings()), self._engine, vault)
        book = TemplateBook()
        self._templates = TemplateKeeper(settings, self._engine, book)
        self._channels = _channels(settings, files, book, SharedTokens(self._engine))
        self._follow_ups = FollowUps(
            self._engine,
            vault,
            producer,
            self._channels,
            within=settings.dispatcher_results_within,
            clock=now,
        )
        self._finding = Finding(
            self._engine, vault, producer, self._channels, self._follow_ups, clock=now
        )
        self._breaker = _breaker(settings, self._engine, self._channels)
        self._recorder = Recorder(
            self._engine,
            vault,
            producer,
            self._follow_ups,
            self._breaker,
            clock=now,
            probe_within=settings.dispatcher_first_probe_within,
        )
        self._tools = Tools(
            settings,
            self._engine,
            producer,
            self._recorder,
            Admission(settings, self._channels, self._follow_ups.keeps, vault),
            self._breaker,
            self._follow_ups,
            self._channels,
            now,
            vault,
        )
        self._requests = Requests(self._tools)
        self._stream = _stream(settings, self._requests, producer, keys)
        listener = _listener(settings, self._engine, vault, self._breaker)
        self._heard = _heard(settings, listener, producer, keys)
        self._watch = Watch(self._engine, producer, settings, self._requests.lanes.queues, now)
        IN_FLIGHT.set_function(lambda: self._stream.in_flight)
        CALLING.set_function(lambda: self._requests.lanes.calling)

    def works(self) -> dict[str, Work]:
        """Return what runs as long as the service does; what others hand to comes first."""
        engine, tools, lanes = self._engine, self._tools, self._requests.lanes
        zone, producer = self._settings.zone, self._producer
        return {
            "templates": lambda: every(LOOK_EVERY, self._templates.tick),
            "recorder": self._recorder.run,
            "lanes": lanes.run,
            "halted": lambda: every(DOUBT_TICK, lambda: fail_halted(tools)),
            "senders": lambda: every(SENDERS_TICK, self._watch.look),
            "waiting": lambda: every(WAITING_TICK, self._watch.count),
            "breaker": lambda: every(BREAKER_TICK, self._breaker.judge),
            "forget": lambda: every(FORGET_TICK, lambda: forget(engine, zone, now)),
            "doubts": lambda: every(DOUBT_TICK, lambda: settle_doubts(tools)),
            "erased": lambda: every(DOUBT_TICK, lambda: fail_erased(tools)),
            "fallbacks": lambda: every(
                FALLBACK_TICK, lambda: send_due(engine, tools.vault, producer, now)
            ),
            **self._follow_ups.works(),
            **self._finding.works(),
            **ReadMarks(engine, self._channels, now).works(),
            "due": lambda: call_due_for_ever(tools, lanes),
            "people": self._heard.run,
            "stream": self._stream.run,
        }

    async def stop(self) -> None:
        """Close what the works have left."""
        for channel in self._channels.values():
            await channel.close()
        await self._templates.close()
        await self._producer.stop()
        self._engine.dispose()


def build(settings: DispatcherSettings) -> FastAPI:
    """Return the service; nothing runs before its lifespan begins."""
    keys = TopicKeys(settings)
    producer = Producer(settings.kafka_bootstrap_servers, "dispatcher", keys)
    vault = Vault(settings)
    fence = fence_of(settings, owner=settings.dispatcher_owner)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        dispatcher = Dispatcher(settings, keys, producer, vault, fence)
        async with running(fence=lambda: fence.keep(dispatcher.works())):
            yield
        await dispatcher.stop()

    async def ready() -> str | None:
        away = "Kafka does not acknowledge" if producer.is_away else None
        return fence.problem or vault.problem or away

    app = application(
        Face("Sendtrail dispatcher", "Sends messages through the providers.", ready, lifespan)
    )
    shape_errors(app)
    return app


def _channels(
    settings: DispatcherSettings, files: OpenedFiles, book: TemplateBook, tokens: SharedTokens
) -> dict[str, Channel]:
    return open_channels(
        {
            "whatsapp": lambda: WhatsAppChannel(settings, files, book),
            "wecom": lambda: wecom.open_channel(files, tokens),
            "wechat": lambda: wechat.open_channel(files, tokens),
        }
    )


def _breaker(
    settings: DispatcherSettings, engine: sa.Engine, channels: dict[str, Channel]
) -> SenderBreaker:
    """Return what stops a sender of whom too much fails."""
    lasts = settings.sender_breaker_window
    return SenderBreaker(engine, channels, settings.sender_breaker, lasts=lasts, clock=now)


def _listener(
    settings: DispatcherSettings, engine: sa.Engine, vault: Vault, breaker: SenderBreaker
) -> Listener:
    reported = Reported(
        engine,
        settings.whatsapp_business_account_id,
        now,
        probe_within=settings.dispatcher_first_probe_within,
    )
    return Listener(engine, vault, settings.words, breaker, reported, now)


def _stream(
    settings: DispatcherSettings, requests: Requests, producer: Producer, keys: TopicKeys
) -> Stream:
    config = StreamConfig(
        bootstrap=settings.kafka_bootstrap_servers,
        group="dispatcher",
        max_in_flight=settings.dispatcher_max_in_flight,
        drain_within=timedelta(seconds=10),
    )
    letters = DeadLetters(producer, "dispatcher", now)
    return Stream(config, [SEND_REQUESTS], requests, letters, keys)


def _heard(
    settings: DispatcherSettings, listener: Listener, producer: Producer, keys: TopicKeys
) -> Stream:
    config = StreamConfig(
        bootstrap=settings.kafka_bootstrap_servers,
        group="dispatcher-people",
        max_in_flight=HEARD_AT_ONCE,
        gathers=A_MOMENT,
        wanted=WANTED,
        matters=matters,
    )
    letters = DeadLetters(producer, "dispatcher", now)
    return Stream(config, [PROVIDER_EVENTS], listener, letters, keys)
