"""Builds the dispatcher: what it is made of, and in which order that starts and stops."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

from fastapi import FastAPI

from providers.channels import open_channels
from providers.whatsapp.client import WhatsAppChannel
from runtime.clock import now
from runtime.http import Face, application
from runtime.http_errors import shape_errors
from runtime.kafka.dead_letters import DeadLetters
from runtime.kafka.producer import Producer
from runtime.kafka.stream import Stream, StreamConfig
from runtime.lifespan import every, running
from runtime.postgres import connect
from schemas.topics.provider_events import PROVIDER_EVENTS
from schemas.topics.send_requests import SEND_REQUESTS
from services.dispatcher.desk import Admission
from services.dispatcher.due import call_due, fail_halted
from services.dispatcher.handlers import Requests, Tools, settle_doubts
from services.dispatcher.metrics import CALLING, IN_FLIGHT
from services.dispatcher.people import WANTED, Listener
from services.dispatcher.recorder import Recorder
from services.dispatcher.settings import DispatcherSettings
from services.dispatcher.standing import forget, look_after

DUE_TICK = timedelta(milliseconds=100)
DOUBT_TICK = timedelta(seconds=1)
SENDERS_TICK = timedelta(seconds=5)
FORGET_TICK = timedelta(minutes=10)
HEARD_AT_ONCE = 1_000
"""Messages from people that are entered together."""


def build(settings: DispatcherSettings) -> FastAPI:
    """Return the service; nothing runs before its lifespan begins."""
    producer = Producer(settings.kafka_bootstrap_servers, "dispatcher")

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        engine = connect(settings.database_url.get_secret_value())
        recorder = Recorder(engine, producer, clock=now)
        channels = open_channels({"whatsapp": lambda: WhatsAppChannel(settings)})
        admission = Admission(settings, channels)
        tools = Tools(settings, engine, producer, recorder, admission, channels, now)
        requests = Requests(tools)
        stream = _stream(settings, requests, producer)
        heard = _heard(settings, Listener(engine, settings.words, now), producer)
        IN_FLIGHT.set_function(lambda: stream.in_flight)
        CALLING.set_function(lambda: requests.lanes.calling)
        async with running(
            recorder=recorder.run,
            lanes=requests.lanes.run,
            halted=lambda: every(DOUBT_TICK, lambda: fail_halted(tools)),
            senders=lambda: every(
                SENDERS_TICK, lambda: look_after(engine, requests.lanes.queues(), now)
            ),
            forget=lambda: every(FORGET_TICK, lambda: forget(engine, settings.zone, now)),
            doubts=lambda: every(DOUBT_TICK, lambda: settle_doubts(tools)),
            due=lambda: every(DUE_TICK, lambda: call_due(tools, requests.lanes)),
            people=heard.run,
            stream=stream.run,
        ):
            yield
        for channel in channels.values():
            await channel.close()
        await producer.stop()
        engine.dispose()

    async def ready() -> str | None:
        return "Kafka does not acknowledge" if producer.is_away else None

    app = application(
        Face("Sendtrail dispatcher", "Sends messages through the providers.", ready, lifespan)
    )
    shape_errors(app)
    return app


def _stream(settings: DispatcherSettings, requests: Requests, producer: Producer) -> Stream:
    config = StreamConfig(
        bootstrap=settings.kafka_bootstrap_servers,
        group="dispatcher",
        max_in_flight=settings.dispatcher_max_in_flight,
        drain_within=timedelta(seconds=10),
    )
    letters = DeadLetters(producer, "dispatcher", now)
    return Stream(config, [SEND_REQUESTS], requests, letters)


def _heard(settings: DispatcherSettings, listener: Listener, producer: Producer) -> Stream:
    config = StreamConfig(
        bootstrap=settings.kafka_bootstrap_servers,
        group="dispatcher-people",
        max_in_flight=HEARD_AT_ONCE,
        wanted=WANTED,
    )
    letters = DeadLetters(producer, "dispatcher", now)
    return Stream(config, [PROVIDER_EVENTS], listener, letters)
