"""What is told of senders, whoever changed them: gauges, late messages, alerts (IM-54)."""

from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
import pytest_asyncio
import sqlalchemy as sa
from prometheus_client import REGISTRY

from runtime.kafka.producer import Producer
from runtime.robot_alerts import AlertSettings
from schemas.topics.contents import TextContent
from schemas.topics.send_requests import SEND_REQUESTS, SendRequested
from services.dispatcher.store import senders
from services.dispatcher.store.senders import Breakage
from services.dispatcher.watching import LATE, LATE_LOOKS, Watch
from tests.given import NOON
from tests.services.dispatcher.tails import Tail, reading_all

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

MINUTE = timedelta(minutes=1)
ROBOT = AlertSettings(alert_robot="ops", notice_language="en")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def asked(clean_topics: str) -> AsyncGenerator[Tail[SendRequested]]:
    """Return what comes to send-requests."""
    async with reading_all(SEND_REQUESTS, clean_topics) as tail:
        yield tail


@pytest.fixture
def sender(engine: sa.Engine) -> str:
    """Return the only sender there is."""
    name = f"whatsapp:{uuid4().hex[:15]}"
    with engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM senders"))
        connection.execute(sa.text("DELETE FROM dispatch_ledger"))
        senders.enter(connection, [name])
    return name


async def test_the_gauge_follows_the_table_whoever_changes_it(
    engine: sa.Engine, producer: Producer, sender: str
) -> None:
    watch = a_watch(engine, producer, AlertSettings(alert_robot=""))

    with engine.begin() as connection:
        senders.halt(connection, {sender: Breakage("190 token", MINUTE)}, now=NOON)
    await watch.look()
    halted = gauge("dispatcher_sender_halted", sender)
    with engine.begin() as connection:
        senders.resume(connection, [sender], now=NOON)
    await watch.look()

    assert (halted, gauge("dispatcher_sender_halted", sender)) == (1, 0)


async def test_a_halt_is_told_to_the_robot_once_by_all_dispatchers_and_without_one_to_nobody(
    engine: sa.Engine, producer: Producer, sender: str, asked: Tail[SendRequested]
) -> None:
    with engine.begin() as connection:
        senders.halt(connection, {sender: Breakage("131042 unpaid", MINUTE)}, now=NOON)

    await a_watch(engine, producer, AlertSettings(alert_robot="")).look()
    assert await alerts_about(asked, sender) == []
    for watch in (a_watch(engine, producer), a_watch(engine, producer)):
        await watch.look()
        await watch.look()

    told = await alerts_about(asked, sender)
    assert (len(told), len({one.message_id for one in told})) == (2, 1)
    assert {(one.channel, one.recipient) for one in told} == {("wecom", "robot:ops")}
    assert text_of(told[0]) == f"Sender {sender} cannot send: 131042 unpaid"


async def test_a_long_pause_is_told_and_a_short_one_is_not(
    engine: sa.Engine, producer: Producer, sender: str, asked: Tail[SendRequested]
) -> None:
    for pause, count in ((MINUTE, 0), (60 * MINUTE, 1)):
        with engine.begin() as connection:
            senders.hold(connection, {sender: NOON + pause})
        await a_watch(engine, producer).look()

        assert len(await alerts_about(asked, sender)) == count


async def test_late_is_what_nothing_explains(
    engine: sa.Engine, producer: Producer, sender: str, asked: Tail[SendRequested]
) -> None:
    # One whose time was six minutes ago; the others are behind one that waits for the morning.
    entries(engine, sender, [("late", NOON - 6 * MINUTE), ("night", NOON + 60 * MINUTE)])
    entries(engine, sender, [("night", NOON - 6 * MINUTE)] * 3)
    watch = a_watch(engine, producer)

    for _ in range(LATE_LOOKS):
        assert await alerts_about(asked, sender) == []
        await watch.look()

    assert gauge("dispatcher_late_messages", sender) == 1
    assert gauge("dispatcher_overdue_seconds", sender) == 360
    (told,) = await alerts_about(asked, sender)
    assert text_of(told) == f"Sender {sender}: 1 messages are late"


@pytest.mark.parametrize("why", ["halted", "held", "at its rate"])
async def test_what_waits_for_its_sender_is_not_late(
    engine: sa.Engine, producer: Producer, sender: str, why: str
) -> None:
    entries(engine, sender, [("one", NOON - LATE - MINUTE)])
    with engine.begin() as connection:
        match why:
            case "halted":
                senders.halt(connection, {sender: Breakage("190", MINUTE)}, now=NOON)
            case "held":
                senders.hold(connection, {sender: NOON + MINUTE})
            case _:
                senders.lock_arrivals(connection, [f"sender:{sender}"], NOON)
                ahead = NOON + timedelta(milliseconds=10)
                senders.set_arrivals(connection, {f"sender:{sender}": ahead})

    await a_watch(engine, producer).look()

    assert gauge("dispatcher_late_messages", sender) == 0


async def test_what_waits_is_counted_by_whether_it_is_due(
    engine: sa.Engine, producer: Producer, sender: str
) -> None:
    entries(engine, sender, [("a", NOON), ("b", NOON + MINUTE), ("c", NOON + MINUTE)])

    await a_watch(engine, producer).count()

    counted = [gauge("dispatcher_waiting", sender, state=state) for state in ("due", "later")]
    assert counted == [1, 2]


def a_watch(engine: sa.Engine, producer: Producer, settings: AlertSettings = ROBOT) -> Watch:
    return Watch(engine, producer, settings, dict, lambda: NOON)


def gauge(name: str, sender: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, {"sender": sender, **labels})


async def alerts_about(asked: Tail[SendRequested], sender: str) -> list[SendRequested]:
    return [one for one in await asked.read() if sender in text_of(one)]


def text_of(request: SendRequested) -> str:
    return request.content.body if isinstance(request.content, TextContent) else ""


def entries(engine: sa.Engine, sender: str, wanted: list[tuple[str, datetime]]) -> None:
    """Enter waiting messages of these conversations, due at these times."""
    with engine.begin() as connection:
        for conversation, due_at in wanted:
            connection.execute(
                sa.text(
                    """
                    INSERT INTO dispatch_ledger (message_id, state, conversation, sender, attempt,
                        owner, claimed_at, due_at, request, updated_at)
                    VALUES (:id, 'waiting', :conversation, :sender, 0, '', :due_at, :due_at,
                        '', :due_at)
                    """
                ),
                {
                    "id": uuid4().hex,
                    "conversation": f"{sender}{conversation}",
                    "sender": sender,
                    "due_at": due_at,
                },
            )
