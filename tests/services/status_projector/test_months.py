"""Messages lie in months; a name is there once, whatever month it is entered into (CF-15)."""

import asyncio
from collections.abc import Awaitable
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from runtime.clock import now
from runtime.errors import DatabaseAway
from runtime.kafka.dead_letters import DeadLetters
from runtime.kafka.producer import Producer
from runtime.postgres import transaction
from schemas.tables.partitions import ensure_months
from services.status_projector.handlers import Tools
from services.status_projector.housekeeping import keep_months
from services.status_projector.projection import Caused
from services.status_projector.publisher import Publisher, PublisherConfig
from tests.eventually import eventually, seconds
from tests.sealed import VAULT
from tests.services.status_projector.facts import ZONE, Life, Projector, Record

pytestmark = pytest.mark.stack

SOON = seconds(30)
OLD = datetime(2031, 10, 31, 23, 59, 59, tzinfo=UTC)
NEW = datetime(2031, 11, 1, 0, 0, 1, tzinfo=UTC)
MID = datetime(2031, 11, 15, tzinfo=UTC)
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"
ENTERED = "SELECT count(*) FROM messages WHERE message_id = :name OR whatsapp_message_id = :name"


@pytest.fixture(autouse=True)
def months(engine: sa.Engine) -> None:
    with transaction(engine) as connection:
        ensure_months(connection, date(2031, 11, 1))


@pytest.fixture(scope="module")
def other(engine: sa.Engine) -> Projector:
    """Return a projector that owns other partitions than `projector`."""
    return Projector(engine, partition=1)


async def side_by_side(
    engine: sa.Engine,
    first: tuple[Projector, Record, datetime],
    second: tuple[Projector, Record, datetime],
) -> Awaitable[list[Caused]]:
    """Let the second apply its record while the first has not committed; return how it ends."""
    projector, record, at = first
    with transaction(engine) as connection:
        projector.apply_within(connection, [projector.heard(record)], at)
        other, record, at = second
        applying = asyncio.create_task(asyncio.to_thread(other.apply, [other.heard(record)], at))
        await eventually(lambda: number_of(engine, WAITING) == 1, within=SOON)
    return applying


@pytest.mark.parametrize(("first", "second"), [(OLD, NEW), (NEW, OLD)])
async def test_who_enters_a_message_at_the_turn_of_a_month_waits_for_who_enters_it_before(
    engine: sa.Engine, projector: Projector, other: Projector, first: datetime, second: datetime
) -> None:
    life = Life()

    await (
        await side_by_side(
            engine,
            (projector, life.request(), first),
            (other, life.request(recipient="+16505550009"), second),
        )
    )

    assert number_of(engine, ENTERED, life.message_id) == 1


async def test_within_a_month_its_index_refuses_the_second(
    engine: sa.Engine, projector: Projector, other: Projector
) -> None:
    life = Life()

    applying = await side_by_side(
        engine, (projector, life.request(), MID), (other, life.request(), MID)
    )

    with pytest.raises(IntegrityError):
        await applying
    assert other.apply([other.heard(life.request())], MID) == []  # as the service does: once more
    assert number_of(engine, ENTERED, life.message_id) == 1


@pytest.mark.parametrize("old_one_first", [True, False])
async def test_two_messages_of_different_months_never_get_the_same_providers_id(
    engine: sa.Engine, projector: Projector, other: Projector, *, old_one_first: bool
) -> None:
    old, new = Life(), Life()
    projector.apply([projector.heard(old.request())], OLD - timedelta(days=3))
    projector.apply([projector.heard(new.request())], MID)
    claim = msgspec.structs.replace(new.accepted(), provider_message_id=old.provider_id)
    claims = [old.accepted(), claim]
    first, second = claims if old_one_first else reversed(claims)

    applying = await side_by_side(engine, (projector, first, MID), (other, second, MID))

    with pytest.raises(ValueError, match="another message's"):
        await applying
    assert number_of(engine, ENTERED, old.provider_id) == 1


def test_what_is_told_again_a_month_later_is_the_same_message(
    engine: sa.Engine, projector: Projector
) -> None:
    life, received = Life(), Life().inbound()

    for at in (OLD, MID):
        projector.apply([projector.heard(life.request()), projector.heard(received)], at)

    assert number_of(engine, ENTERED, life.message_id) == 1
    assert number_of(engine, ENTERED, received.provider_message_id) == 1


def test_a_message_of_an_older_month_goes_on(projector: Projector) -> None:
    old, new = Life(), Life()
    projector.apply([projector.heard(old.request())], OLD)
    projector.apply([projector.heard(new.request()), projector.heard(old.accepted())], MID)

    reports = [one.reported("delivered", 5) for one in (old, new)]
    caused = projector.apply([projector.heard(report) for report in reports], MID)

    assert {one.change.message_id for one in caused} == {old.message_id, new.message_id}


async def test_months_of_which_all_is_too_old_are_dropped_with_what_belongs_to_them(
    engine: sa.Engine, projector: Projector
) -> None:
    old, new = Life(), Life()
    projector.apply([projector.heard(old.request(recipient="+16505550008"))], OLD)
    projector.apply([projector.heard(old.accepted())], OLD)
    projector.apply([projector.heard(new.request()), projector.heard(new.accepted())], MID)

    await keep_months(
        tools_at(engine, NEW + timedelta(days=365)),
        retention=timedelta(days=365),
        park_for=timedelta(minutes=15),
    )

    assert number_of(engine, ENTERED, old.message_id) == 0
    assert number_of(engine, ENTERED, new.message_id) == 1
    dropped = "SELECT count(*) FROM dropped_months WHERE partition = 'messages_2031_10'"
    assert number_of(engine, dropped) == 1
    history = "SELECT count(*) FROM message_status_history WHERE message_id = :name"
    assert number_of(engine, history, old.message_id) == 0
    assert number_of(engine, history, new.message_id) == 1


async def test_a_long_reader_keeps_a_month_and_nothing_else(
    engine: sa.Engine, projector: Projector
) -> None:
    life, stranger = Life(), "+16505550007"
    projector.apply([projector.heard(life.request(recipient=stranger))], OLD)
    report = msgspec.structs.replace(life.reported("read", 5), participant=stranger)
    projector.apply([projector.heard(report)], OLD)
    told = "SELECT count(*) FROM message_participants WHERE message_id = :name"
    talks = "SELECT count(*) FROM conversations WHERE last_message_id = :name"
    assert number_of(engine, told, life.message_id) == 1

    def keep() -> Awaitable[bool]:
        return keep_months(
            tools_at(engine, NEW + timedelta(days=365)),
            retention=timedelta(days=365),
            park_for=timedelta(minutes=15),
        )

    with transaction(engine) as connection:
        connection.execute(sa.text("SELECT count(*) FROM messages"))
        with pytest.raises(DatabaseAway):
            await keep()

    assert number_of(engine, ENTERED, life.message_id) == 1
    assert number_of(engine, told, life.message_id) == 0
    assert number_of(engine, talks, life.message_id) == 0

    await keep()

    assert number_of(engine, ENTERED, life.message_id) == 0


def tools_at(engine: sa.Engine, moment: datetime) -> Tools:
    """Return the service's tools at another time; nothing of Kafka is called."""
    publisher = Publisher(PublisherConfig("127.0.0.1:1", "g", "o", seconds(1)))
    letters = DeadLetters(Producer("127.0.0.1:1", "t", None), "t", now)
    return Tools(engine, VAULT, publisher, letters, lambda: moment, ZONE)


def number_of(engine: sa.Engine, query: str, name: str | None = None) -> int:
    with transaction(engine) as connection:
        return connection.execute(sa.text(query), {"name": name}).scalar_one()
