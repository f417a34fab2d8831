"""What cannot be applied goes to the DLQ with its reason, and its neighbours are applied."""

import msgspec
import pytest
import sqlalchemy as sa

from schemas.topics.provider_events import PROVIDER_EVENTS
from schemas.topics.topic import Outgoing
from tests.eventually import eventually
from tests.services.dispatcher.tails import Raw, dead_letters, header_of
from tests.services.status_projector.facts import Life
from tests.services.status_projector.projectors import SOON, RunningProjector, Writer

pytestmark = [
    pytest.mark.stack,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.usefixtures("running"),
]


async def letter_about(bootstrap: str, life: Life) -> Raw | None:
    """Return the rejected record that speaks of a message."""
    name = life.message_id.encode()
    letters = await dead_letters(PROVIDER_EVENTS, bootstrap)
    return next((letter for letter in letters if name in (letter.value or b"")), None)


async def is_shown(running: RunningProjector, life: Life, status: str) -> bool:
    answer = await running.status(life.message_id)
    return answer.status_code == 200 and answer.json()["data"]["status"] == status


async def test_a_providers_id_of_another_message_is_rejected_and_its_neighbours_are_applied(
    running: RunningProjector, writer: Writer, clean_topics: str
) -> None:
    owner, thief, neighbour = Life(), Life(), Life()
    await writer.write([life.request() for life in (owner, thief, neighbour)])
    await writer.write([owner.accepted()])
    await eventually(lambda: is_shown(running, owner, "sent"), within=SOON)
    stolen = msgspec.structs.replace(thief.accepted(), provider_message_id=owner.provider_id)

    await writer.write([stolen, neighbour.accepted(), thief.started()])
    await eventually(lambda: is_shown(running, neighbour, "sent"), within=SOON)
    letter = await eventually(lambda: letter_about(clean_topics, thief), within=SOON)

    assert letter
    assert header_of(letter, "dlq_reason") == "not_applicable"
    assert header_of(letter, "dlq_by") == "status_projector"
    assert letter.value == msgspec.json.encode(stolen)
    assert await is_shown(running, thief, "sending")
    assert await is_shown(running, owner, "sent")


async def test_a_record_with_the_character_nul_is_rejected_and_its_neighbours_are_applied(
    running: RunningProjector, writer: Writer, clean_topics: str
) -> None:
    life, poisoned = Life(), Life()
    received = msgspec.structs.replace(poisoned.inbound(), content={"body": "a\x00b"})
    key = life.message_id.encode()
    poison = Outgoing(PROVIDER_EVENTS.name, key, msgspec.json.encode(received), ())

    await writer.write([life.request(), life.started()])
    await writer.put([poison])
    await writer.write([life.accepted()])
    await eventually(lambda: is_shown(running, life, "sent"), within=SOON)
    letter = await eventually(lambda: letter_about(clean_topics, poisoned), within=SOON)

    assert letter
    assert header_of(letter, "dlq_reason") == "malformed"
    assert "NUL" in header_of(letter, "dlq_detail")


async def test_an_event_of_a_message_that_nobody_names_in_time_is_given_up(
    writer: Writer, clean_topics: str, engine: sa.Engine
) -> None:
    life = Life()
    report = life.reported("delivered", 5)

    await writer.write([report])
    await eventually(lambda: parked(engine, life) == 1, within=SOON)
    letter = await eventually(lambda: letter_about(clean_topics, life), within=SOON)

    assert letter
    assert header_of(letter, "dlq_reason") == "unknown_message"
    assert header_of(letter, "dlq_topic") == PROVIDER_EVENTS.name
    assert header_of(letter, "ce_type") == "sendtrail.status.reported.v1"
    assert letter.value == msgspec.json.encode(report)
    assert letter.key == life.message_id.encode()
    await eventually(lambda: parked(engine, life) == 0, within=SOON)


def parked(engine: sa.Engine, life: Life) -> int:
    query = sa.text("SELECT count(*) FROM parked_events WHERE message_id = :id")
    with engine.connect() as connection:
        return connection.execute(query, {"id": life.message_id}).scalar_one()
