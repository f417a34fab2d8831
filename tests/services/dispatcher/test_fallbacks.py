"""What is sent instead of a message that failed or did not come: once, as a message of its own."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from domain.failures import ErrorCode
from domain.identity import MessageId, message_id_for_fallback
from runtime.kafka.producer import Producer
from runtime.postgres import transaction
from schemas.topics.contents import TextContent
from schemas.topics.send_requests import (
    SEND_REQUESTS,
    Fallback,
    SendRequested,
)
from services.dispatcher.fallbacks import drop, instead_of, note, send_due
from tests.given import NOON, a_send_request
from tests.services.dispatcher.gazette import Clock, from_the_stream
from tests.services.dispatcher.tails import reading_all
from tests.services.status_projector.facts import Life, Projector, Record
from tests.vaults import the_vault

VAULT = the_vault()

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

INSTEAD = TextContent(body="Your order A-17 is ready.")


def with_fallback(**wish: Any) -> SendRequested:  # noqa: ANN401 - any field of a fallback
    return a_send_request(
        case_id="case-7", fallback=Fallback(content=INSTEAD, recipient="+16505550099", **wish)
    )


class Office:
    """A dispatcher's fallbacks, a projector beside it, and a clock of the test's."""

    def __init__(self, engine: sa.Engine, producer: Producer) -> None:
        self.engine, self.producer = engine, producer
        self.clock, self.projector = Clock(), Projector(engine)

    def take(self, *requests: SendRequested) -> None:
        """Note the fallbacks of requests, at noon."""
        with transaction(self.engine) as connection:
            note(connection, VAULT, [from_the_stream(one) for one in requests], now=NOON)

    def learn(self, *records: Record) -> None:
        """Let the trail know."""
        self.projector.apply([self.projector.heard(record) for record in records])

    async def look_at(self, passed: float) -> None:
        """Look at what is due so many seconds after noon."""
        self.clock.now = NOON + timedelta(seconds=passed)
        while await send_due(self.engine, VAULT, self.producer, self.clock):
            pass

    def noted(self) -> set[str]:
        """Return whose fallbacks may still be wanted."""
        with transaction(self.engine) as connection:
            return set(connection.execute(sa.text("SELECT message_id FROM fallbacks")).scalars())


@pytest.fixture
def office(engine: sa.Engine, producer: Producer) -> Office:
    with transaction(engine) as connection:
        connection.execute(sa.text("DELETE FROM fallbacks"))
    return Office(engine, producer)


async def sent_instead(bootstrap: str, request: SendRequested) -> list[SendRequested]:
    async with reading_all(SEND_REQUESTS, bootstrap) as tail:
        asked = await tail.read()
    return [one for one in asked if one.original_message_id == request.message_id]


async def test_a_message_that_failed_is_followed_by_its_fallback(
    office: Office, clean_topics: str
) -> None:
    request = with_fallback()
    life = Life(request.message_id)
    office.take(request)
    office.learn(request, life.started())

    await office.look_at(1)
    assert await sent_instead(clean_topics, request) == []
    office.learn(life.rejected())
    await office.look_at(2)
    await office.look_at(600)

    expected = msgspec.structs.replace(
        request,
        message_id=message_id_for_fallback(MessageId(request.message_id)),
        original_message_id=request.message_id,
        recipient="+16505550099",
        content=INSTEAD,
        requested_at=NOON + timedelta(seconds=2),
        fallback=None,
    )
    assert await sent_instead(clean_topics, request) == [expected]
    assert office.noted() == set()


async def test_only_the_named_errors_call_for_it(office: Office, clean_topics: str) -> None:
    limited = with_fallback(on_errors=(ErrorCode.DAILY_LIMIT_EXCEEDED,))
    unreachable = with_fallback(on_errors=(ErrorCode.INVALID_RECIPIENT,))
    office.take(limited, unreachable)
    for request in (limited, unreachable):
        office.learn(request, Life(request.message_id).rejected())

    await office.look_at(1)

    assert await sent_instead(clean_topics, limited) == []
    assert len(await sent_instead(clean_topics, unreachable)) == 1
    assert office.noted() == set()


async def test_a_message_that_has_not_come_in_time_is_followed_and_one_that_has_is_not(
    office: Office, clean_topics: str
) -> None:
    late, in_time = [with_fallback(unless="delivered", after=60) for _ in range(2)]
    office.take(late, in_time)
    office.learn(late, Life(late.message_id).accepted())
    office.learn(in_time, Life(in_time.message_id).reported("delivered", 50))

    await office.look_at(59)
    assert await sent_instead(clean_topics, late) == []
    assert office.noted() == {late.message_id}
    await office.look_at(60)

    assert len(await sent_instead(clean_topics, late)) == 1
    assert await sent_instead(clean_topics, in_time) == []


async def test_a_fallback_that_was_published_before_a_crash_comes_again_as_the_same_message(
    office: Office, clean_topics: str
) -> None:
    request = with_fallback()
    office.take(request)
    office.learn(request, Life(request.message_id).rejected())
    await office.look_at(1)

    # As if the process had died before it could forget it.
    office.take(request)
    await office.look_at(2)

    ids = [one.message_id for one in await sent_instead(clean_topics, request)]
    assert ids == [message_id_for_fallback(MessageId(request.message_id))] * 2


async def test_what_nobody_wants_any_more_has_no_fallback(
    office: Office, engine: sa.Engine
) -> None:
    cancelled, other = with_fallback(), with_fallback()
    office.take(cancelled, other)

    with transaction(engine) as connection:
        drop(connection, [cancelled.message_id])

    assert office.noted() == {other.message_id}


async def test_what_a_message_answers_is_named_in_its_own_conversation_only() -> None:
    request = a_send_request(reply_to="wamid.1")
    same, elsewhere = Fallback(content=INSTEAD), Fallback(content=INSTEAD, channel="wecom")

    assert instead_of(request, same, NOON).reply_to == "wamid.1"
    assert instead_of(request, elsewhere, NOON).reply_to is None
