"""What people write reaches the dispatcher's tables: from the topic, and from their phones."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
import pytest_asyncio
import sqlalchemy as sa

from deploy import wiring
from deploy.processes import Process, python_module, stop_all
from domain.consent import Reason, Scope, Statement, Wish
from runtime.kafka.producer import Producer
from schemas.topics.provider_events import PROVIDER_EVENTS, MessageReceived, ProviderEvent
from services.dispatcher.store import people
from services.dispatcher.store.people import Pair
from tests.eventually import eventually
from tests.given import NOON, SENDER, a_message_received, a_status_reported
from tests.services.dispatcher.dispatchers import SOON, STARTS_WITHIN
from tests.simulators import RunningSimulator, start_simulator
from tests.topic_keys import TOPIC_KEYS
from tests.vaults import the_vault

VAULT = the_vault()

pytestmark = [
    pytest.mark.stack,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.usefixtures("dispatcher"),
]

_NUMBERS = count(1_000)


@dataclass(frozen=True, slots=True)
class Somebody:
    """A person that no other test knows, who writes to a number of ours."""

    digits: str
    provider: RunningSimulator
    database: sa.Engine
    producer: Producer

    @property
    def pair(self) -> Pair:
        """The person as a recipient of our number."""
        return Pair("whatsapp", SENDER, f"+{self.digits}")

    def text(self, body: str, minutes: int = 0) -> MessageReceived:
        """Return what the person wrote so many minutes after noon."""
        at = NOON + timedelta(minutes=minutes)
        return a_message_received(author=self.digits, content={"body": body}, occurred_at=at)

    async def tell(self, *events: ProviderEvent) -> None:
        """Publish events, all in one partition: the last of them is read last."""
        records = PROVIDER_EVENTS.records(events, source="/test", at=NOON)
        mine = [replace(record, key=self.digits.encode()) for record in records]
        await self.producer.publish(mine, within=SOON)

    async def order(self, path: str, **order: object) -> None:
        """Let the person do something on the phone."""
        body = {"from": self.digits, **order}
        await asyncio.to_thread(self.provider.provider.order, path, body)

    def wrote_at(self) -> datetime | None:
        """Return when the person last wrote, as far as a dispatcher knows."""
        with self.database.begin() as connection:
            return people.facts(connection, VAULT, [self.pair]).last_inbound.get(self.pair)

    def opt_out(self) -> Statement | None:
        """Return the opt-out that a dispatcher knows of."""
        with self.database.begin() as connection:
            return people.facts(connection, VAULT, [self.pair]).opt_outs.get(self.pair)

    async def stops(self) -> Statement:
        """Return the opt-out once a dispatcher knows of it."""
        found = await eventually(self.opt_out, within=SOON)
        assert found is not None
        return found

    async def has_written(self, minutes: int) -> None:
        """Return when the message of that minute is known."""
        at = NOON + timedelta(minutes=minutes)
        await eventually(lambda: self.wrote_at() == at, within=SOON)


@pytest.fixture(scope="module")
def provider(
    clean_topics: str, tmp_path_factory: pytest.TempPathFactory
) -> Generator[RunningSimulator]:
    """Return a simulator whose callbacks an ingester takes."""
    logs = tmp_path_factory.mktemp("edge")
    seat = next(seat for seat in wiring.seats({}) if seat.service == "ingest_webhook")
    running = start_simulator({"SIM_PROFILE": "perfect"}, logs, seat.url)
    settings = wiring.NO_PROXY | running.environment | wiring.seat_environment(seat, logs)
    settings |= {"KAFKA_BOOTSTRAP_SERVERS": clean_topics}
    ingester = Process(seat.name, python_module(seat.module), settings, logs / "ingester.log")
    ingester.start()
    ingester.wait_ready(seat.health_url, STARTS_WITHIN)
    yield running
    stop_all([running.process, ingester])


@pytest_asyncio.fixture(loop_scope="module")
async def somebody(
    clean_topics: str, provider: RunningSimulator, database: sa.Engine
) -> AsyncGenerator[Callable[[], Somebody]]:
    """Return what makes a person."""
    producer = Producer(clean_topics, "test", TOPIC_KEYS)
    yield lambda: Somebody(f"1650555{next(_NUMBERS)}", provider, database, producer)
    await producer.stop()


async def test_who_writes_opens_a_window_and_a_later_message_renews_it(
    somebody: Callable[[], Somebody],
) -> None:
    ada = somebody()

    await ada.tell(a_status_reported(), ada.text("Hi"))
    await ada.has_written(0)
    await ada.tell(ada.text("Still there?", 20), ada.text("this one comes late", 10))
    await ada.has_written(20)

    assert ada.opt_out() is None


async def test_a_word_opts_out_and_another_lets_in_again(
    somebody: Callable[[], Somebody],
) -> None:
    ada = somebody()

    await ada.tell(ada.text("stop"))
    assert await ada.stops() == Statement(Wish.OPT_OUT, Scope.ALL, Reason.REPLY, NOON)
    assert ada.wrote_at() == NOON

    await ada.tell(ada.text("START", 1))
    await eventually(lambda: ada.opt_out() is None, within=SOON)


async def test_words_that_come_late_and_again_change_nothing(
    somebody: Callable[[], Somebody],
) -> None:
    ada, eve = somebody(), somebody()
    stop, start = ada.text("STOP", 1), ada.text("START", 2)

    await ada.tell(start)
    await ada.has_written(2)
    await ada.tell(stop, start, stop, ada.text("the end", 9))
    await eve.tell(eve.text("退订", 5), eve.text("恢复订阅", 4), eve.text("the end", 9))
    await ada.has_written(9)
    await eve.has_written(9)

    at = NOON + timedelta(minutes=5)
    assert eve.opt_out() == Statement(Wish.OPT_OUT, Scope.ALL, Reason.REPLY, at)
    assert ada.opt_out() is None


async def test_what_is_typed_on_a_phone_goes_the_whole_way(
    somebody: Callable[[], Somebody],
) -> None:
    ada, before = somebody(), datetime.now(UTC) - timedelta(seconds=1)

    await ada.order("/inbound", text="Hello")
    wrote_at = await eventually(ada.wrote_at, within=SOON)
    assert wrote_at is not None
    assert before.replace(microsecond=0) <= wrote_at <= datetime.now(UTC)

    pressed = {"payload": "STOP", "text": "No more of these"}
    await ada.order("/inbound", type="button", content=pressed)
    opt_out = await ada.stops()
    assert (opt_out.scope, opt_out.reason) == (Scope.ALL, Reason.REPLY)


async def test_whatsapps_own_switch_stops_offers_alone(
    somebody: Callable[[], Somebody],
) -> None:
    ada = somebody()

    await ada.order("/events", field="user_preferences", event="stop")

    opt_out = await ada.stops()
    assert (opt_out.scope, opt_out.reason) == (Scope.MARKETING, Reason.REPLY)
    assert ada.wrote_at() is None
