"""What began before the topics do is left as it is, whatever a rebuild puts right."""

from datetime import timedelta

import msgspec
import pytest
import sqlalchemy as sa
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from cli.check import differences
from runtime.clock import now
from tests.given import NOON, SENDER
from tests.sealed import VAULT
from tests.services.status_projector.facts import EVERY_TOPIC, Life
from tests.services.status_projector.projectors import Writer, whole
from tests.services.status_projector.rebuilds import caught_up, differing, execute, rebuilt

pytestmark = [
    pytest.mark.stack,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.usefixtures("running"),
]

FRIEND, STRANGER = "+16505550101", "+16505550102"
PASSERS_BY = 150
"""So many that each partition begins with one of them."""


async def test_what_is_older_than_the_topics_stays(
    writer: Writer, engine: sa.Engine, database_url: str, clean_topics: str
) -> None:
    old, gone, fresh = Life(), Life(), Life()
    for life in (old, gone):
        request = life.request(recipient=FRIEND, contact_id="ada", job_id="job-1")
        await writer.write([request, *whole(life)[1:]])
    await caught_up(engine, clean_topics)
    await cut(clean_topics)
    for number in range(PASSERS_BY):
        life = Life()
        await writer.write([life.request(recipient=f"+1650556{number:04}"), *whole(life)[1:]])
    soon = now().replace(microsecond=0) + timedelta(seconds=1)
    request = fresh.request(recipient=STRANGER, requested_at=soon)
    answer = msgspec.structs.replace(Life().inbound(), author=FRIEND, occurred_at=soon)
    await writer.write([request, *whole(fresh)[1:], answer])
    await caught_up(engine, clean_topics)
    ids = {"old": old.message_id, "gone": gone.message_id, "fresh": fresh.message_id}
    execute(engine, "UPDATE messages SET agent_id = 'kim' WHERE message_id = :old", **ids)
    execute(engine, "DELETE FROM messages WHERE message_id IN (:gone, :fresh)", **ids)
    execute(engine, "DELETE FROM messages WHERE message_direction = 'inbound'")
    execute(engine, "DELETE FROM message_status_history WHERE message_id = :fresh", **ids)
    execute(engine, "DELETE FROM conversations")
    execute(engine, "UPDATE job_progress SET read = 70")

    result = await rebuilt(database_url, clean_topics, mends=True)

    assert NOON < result.reach.messages < soon
    assert agents_of(engine, [old, gone, fresh]) == {old.message_id: "kim", fresh.message_id: None}
    friend = VAULT.conversation_id("whatsapp", SENDER, FRIEND)
    belongs = "SELECT contact_id FROM messages WHERE message_direction = 'inbound'"
    assert execute(engine, belongs) == [("ada",)]
    kept = "SELECT contact_id, unread, outbound_at FROM conversations WHERE conversation_id = :id"
    assert execute(engine, kept, id=friend) == [("ada", 1, NOON)]
    assert execute(engine, "SELECT read FROM job_progress") == [(1,)]
    assert differences(engine) == []
    assert differing(await rebuilt(database_url, clean_topics, mends=False)) == []


async def cut(bootstrap: str) -> None:
    """Let the topics lose everything, as what is too old is lost."""
    consumer = AIOKafkaConsumer(*EVERY_TOPIC, bootstrap_servers=bootstrap)
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await consumer.start()
    await admin.start()
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        await admin.delete_records({place: RecordsToDelete(end) for place, end in ends.items()})
    finally:
        await admin.close()
        await consumer.stop()


def agents_of(engine: sa.Engine, lives: list[Life]) -> dict[str, str | None]:
    """Return whose messages these are, of those that are there."""
    query = "SELECT message_id, agent_id FROM messages WHERE message_id = ANY(:ids)"
    return dict(execute(engine, query, ids=[life.message_id for life in lives]))
