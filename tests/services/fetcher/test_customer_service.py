"""What customers write to WeCom's customer service, from their words to the topic (WX 10)."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

import pytest
import pytest_asyncio
import sqlalchemy as sa

from deploy import wiring
from deploy.processes import Process, python_module, stop_all
from deploy.simulated_provider import WECOM_CALLBACK
from domain.answers import Choice
from schemas.topics.provider_events import MediaStored, MessageReceived, NoticeReceived
from tests.eventually import eventually
from tests.services.fetcher.fetchers import (
    SOON,
    STARTS_WITHIN,
    Outside,
    RunningFetcher,
    start_fetcher,
    stop_fetcher,
)
from tests.simulators import RunningSimulator

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]


@dataclass(frozen=True, slots=True)
class Desk:
    """A customer-service account of its own for each test, and its customers."""

    outside: Outside
    open_kfid: str

    async def write(self, text: str = "", **more: object) -> str:
        """Let a customer write; return the message's id."""
        order = {"from": "wmCustomer", "text": text, "open_kfid": self.open_kfid, **more}
        told = await asyncio.to_thread(self.outside.provider.provider.order, "/wecom/kf", order)
        return told["id"]

    async def read(self) -> list[MessageReceived]:
        """Return each customer's message that was published so far, repetitions too."""
        return [
            event
            for event in await self.outside.facts.read()
            if isinstance(event, MessageReceived) and event.sender_id == self.open_kfid
        ]

    async def message(self, msgid: str) -> MessageReceived:
        """Return a message, once it is published."""

        async def found() -> list[MessageReceived]:
            return [m for m in await self.read() if m.provider_message_id == msgid]

        return (await eventually(found, within=SOON))[0]

    def entered(self) -> dict[str, object]:
        """Return the account's row as it is, empty where there is none."""
        query = sa.text("SELECT * FROM customer_service_walks WHERE open_kfid = :id")
        with self.outside.database.connect() as connection:
            found = connection.execute(query, {"id": self.open_kfid}).mappings().first()
        return dict(found) if found else {}

    async def row(self, **wanted: object) -> dict[str, object]:
        """Return how far the account is read, once the row says what is wanted."""

        def row() -> dict[str, object]:
            told = self.entered()
            assert {name: told.get(name, "no row") for name in wanted} == wanted
            return told

        return await eventually(row, within=SOON)


@pytest.fixture
def desk(outside: Outside) -> Desk:
    return Desk(outside, f"wk{uuid4().hex}")


@pytest.fixture(scope="module", autouse=True)
def _callbacks(
    surroundings: dict[str, str],
    provider: RunningSimulator,
    tmp_path_factory: pytest.TempPathFactory,
) -> Generator[None]:
    """Let an ingester take WeCom's callbacks."""
    logs = tmp_path_factory.mktemp("ingester")
    seat = next(seat for seat in wiring.seats({}) if seat.service == "ingest_webhook")
    settings = wiring.NO_PROXY | surroundings | wiring.seat_environment(seat, logs)
    process = Process(seat.name, python_module(seat.module), settings, logs / "ingester.log")
    process.start()
    process.wait_ready(seat.health_url, STARTS_WITHIN)
    verified = provider.provider.order("/wecom/verification", {"url": seat.url + WECOM_CALLBACK})
    assert verified["verified"], verified
    yield
    stop_all([process])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reader(
    surroundings: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[RunningFetcher]:
    """Return a fetcher that may read the customer service."""
    running = await start_fetcher(surroundings, tmp_path_factory.mktemp("reader"))
    yield running
    await stop_fetcher(running)


@pytest.fixture(autouse=True)
def _ordinary_weather(provider: RunningSimulator) -> Generator[None]:
    yield
    provider.provider.set_knobs({"wx.page_size": 0, "wx.empty_pages": 0, "wx.freq": "off"})


@pytest.mark.usefixtures("reader")
async def test_a_customers_words_become_a_message(desk: Desk, provider: RunningSimulator) -> None:
    message = await desk.message(await desk.write("Where is my order?"))

    assert (message.channel, message.account_id) == ("wecom", provider.chats.corp_id)
    assert (message.author, message.message_type) == ("wmCustomer", "text")
    assert message.content == {"body": "Where is my order?"}
    assert (message.choice, message.about, message.media) == (None, None, None)


@pytest.mark.usefixtures("reader")
async def test_a_tapped_menu_entry_is_a_choice(desk: Desk) -> None:
    message = await desk.message(await desk.write("Looks good", menu_id="confirm"))

    assert (message.choice, message.about) == (Choice.CONFIRM, "confirm")


@pytest.mark.usefixtures("reader")
async def test_the_word_itself_is_a_choice_too(desk: Desk) -> None:
    message = await desk.message(await desk.write("修改"))

    assert message.choice is Choice.MODIFY


async def test_a_picture_is_fetched_and_stored(desk: Desk, reader: RunningFetcher) -> None:
    message = await desk.message(await desk.write(type="image"))
    fate = await desk.outside.fate_of(message)

    assert isinstance(fate, MediaStored)
    assert fate.mime_type == "image/jpeg"
    assert reader.kept()[fate.key]


@pytest.mark.usefixtures("reader")
async def test_a_file_that_is_gone_is_lost_after_it_was_believed(desk: Desk) -> None:
    gone = {"media_id": "nobody-knows-it"}
    message = await desk.message(await desk.write(type="image", content=gone))

    await desk.outside.row_of(message, error="not_found", state="waiting")


@pytest.mark.usefixtures("reader")
async def test_what_the_service_says_itself_is_a_notice(desk: Desk) -> None:
    event = {"event_type": "msg_send_fail", "open_kfid": desk.open_kfid, "fail_type": 4}
    await desk.write(type="event", origin=4, content=event)

    async def told() -> list[NoticeReceived]:
        return [
            event
            for event in await desk.outside.facts.read()
            if isinstance(event, NoticeReceived) and event.about == desk.open_kfid
            if event.kind == "kf.msg_send_fail"
        ]

    notice = (await eventually(told, within=SOON))[0]
    assert notice.content["event"] == event


@pytest.mark.usefixtures("reader")
async def test_small_and_empty_pages_are_walked_to_the_end(
    desk: Desk, provider: RunningSimulator
) -> None:
    provider.provider.set_knobs({"wx.page_size": 2, "wx.empty_pages": 0.4})
    silent = [await desk.write(f"{n}", is_silent=True) for n in range(9)]
    last = await desk.write("and now the notice")

    await desk.message(last)
    await desk.row(due_at=None, error=None)

    assert {m.provider_message_id for m in await desk.read()} == {*silent, last}


@pytest.mark.usefixtures("reader")
async def test_what_was_read_is_not_read_again(desk: Desk) -> None:
    first = [await desk.write(f"{n}") for n in range(5)]
    await desk.message(first[-1])
    await desk.row(due_at=None)
    second = await desk.write("later")
    await desk.message(second)
    await desk.row(due_at=None)

    ids = [m.provider_message_id for m in await desk.read()]
    assert sorted(ids) == sorted([*first, second])


@pytest.mark.usefixtures("reader")
async def test_an_access_token_that_ended_early_is_replaced(
    desk: Desk, provider: RunningSimulator
) -> None:
    await desk.message(await desk.write("before"))
    await asyncio.to_thread(provider.provider.order, "/wecom/token", {})

    await desk.message(await desk.write("after"))


@pytest.mark.usefixtures("reader")
async def test_a_refused_page_is_asked_for_again(desk: Desk, provider: RunningSimulator) -> None:
    provider.provider.set_knobs({"wx.busy": 1.0})
    written = await desk.write("while it is busy")
    await desk.row(error="error -1")
    provider.provider.set_knobs({"wx.busy": 0.0})

    await desk.message(written)


@pytest.mark.usefixtures("reader")
async def test_a_claim_that_nobody_finished_is_taken_over(desk: Desk) -> None:
    """A fetcher died: its claim ran out, and its cursor stands where it was entered last."""
    await desk.message(await desk.write("before the crash"))
    await desk.row(due_at=None)
    later = await desk.write("nobody told of it", is_silent=True)
    with desk.outside.database.begin() as connection:
        query = sa.text(
            "UPDATE customer_service_walks SET due_at = now(), claimed_by = 'the dead' "
            "WHERE open_kfid = :id"
        )
        connection.execute(query, {"id": desk.open_kfid})

    await desk.message(later)
    await desk.row(due_at=None, claimed_by=None)


async def test_no_secret_and_no_token_is_in_the_log(
    desk: Desk, reader: RunningFetcher, provider: RunningSimulator
) -> None:
    provider.provider.set_knobs({"wx.freq": "kf/sync_msg"})
    await desk.write("refused")
    await desk.row(error="error 45009")

    log = await asyncio.to_thread(reader.process.log_path.read_text)
    assert "walk.waiting" in log
    for secret in (provider.chats.wecom_secret, "access_token=", "corpsecret"):
        assert secret not in log


async def test_a_notice_of_a_company_that_nobody_reads_is_counted_and_left(
    desk: Desk, reader: RunningFetcher
) -> None:
    notice = NoticeReceived(
        channel="wecom",
        notice_id=f"ntc_{uuid4().hex}",
        kind="kf_msg_or_event",
        account_id="wwSomebodyElse",
        content={"Token": "t", "OpenKfId": desk.open_kfid},
        occurred_at=datetime.now(UTC),
    )

    await desk.outside.tell(notice)

    async def left() -> bool:
        return 'fetcher_kf_notices_total{outcome="left"} 1.0' in await reader.metrics()

    await eventually(left, within=SOON)
    assert desk.entered() == {}
