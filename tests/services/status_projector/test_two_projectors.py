"""Two projectors at once: one hears the requests, the other everything that is said of them."""

import asyncio
from collections.abc import Sequence
from random import Random
from threading import Barrier

import pytest
import sqlalchemy as sa

from runtime.clock import now
from runtime.postgres import connect, transaction
from schemas.topics.provider_events import PROVIDER_EVENTS
from schemas.topics.send_requests import SEND_REQUESTS
from services.status_projector.apply import apply
from tests.eventually import eventually, seconds
from tests.sealed import VAULT
from tests.services.status_projector.facts import (
    Life,
    Projector,
    Record,
    history_of,
    model,
    stored_evidence,
)

pytestmark = pytest.mark.stack

CROWD = 1_500
BATCHES = 75
SOON = seconds(30)


async def test_batches_side_by_side_meet_no_deadlock_and_end_in_the_state_of_the_rules(
    engine: sa.Engine, database_url: str
) -> None:
    lives = [Life() for _ in range(CROWD)]
    said = {life.message_id: said_of(life) for life in lives}
    requests: list[Record] = [life.request(job_id=lives[0].message_id) for life in lives]
    facts = [record for records in said.values() for record in records]
    chance = Random(7)  # noqa: S311 - an order, no secret
    for records in (requests, facts):
        chance.shuffle(records)
    before = one_number(engine, DEADLOCKS)

    together = Barrier(2)
    await asyncio.gather(
        asyncio.to_thread(tell, database_url, SEND_REQUESTS.name, requests, together),
        asyncio.to_thread(tell, database_url, PROVIDER_EVENTS.name, facts, together),
    )

    assert one_number(engine, DEADLOCKS) == before
    for life in lives:
        assert stored_evidence(engine, life.message_id) == model(said[life.message_id])
        steps = history_of(engine, life.message_id)
        assert [number for number, _, _ in steps] == list(range(1, len(steps) + 1))
    assert one_number(engine, PARKED) == 0


def said_of(life: Life) -> list[Record]:
    return [
        life.started(),
        life.accepted(),
        life.reported("sent", 3, named=False),
        life.reported("delivered", 5, named=False),
        life.reported("read", 9, named=False),
    ]


def tell(url: str, topic: str, records: Sequence[Record], together: Barrier) -> None:
    """Apply records in batches, as the process that owns the topic's partition."""
    own = connect(url)
    projector = Projector(own, owner_of=[topic])
    together.wait(SOON.total_seconds())
    for number in range(BATCHES):
        projector.apply([projector.heard(record) for record in records[number::BATCHES]])
    # The server counts what a session met, at the latest, when it ends.
    own.dispose()


async def test_what_is_parked_while_a_request_waits_for_its_name_is_applied_with_it(
    engine: sa.Engine,
) -> None:
    life = Life()
    asker = Projector(engine, owner_of=[SEND_REQUESTS.name])
    teller = Projector(engine, owner_of=[PROVIDER_EVENTS.name])
    early = [teller.heard(record) for record in said_of(life)]

    with transaction(engine) as connection:
        # Parked and not committed: the names stay locked.
        assert apply(connection, VAULT, early, teller.epochs, now()) == []
        request = asker.heard(life.request())
        asking = asyncio.create_task(asyncio.to_thread(asker.apply, [request]))
        await eventually(lambda: one_number(engine, WAITING) == 1, within=SOON)
    caused = await asking

    assert [one.change.to_status for one in caused] == ["sending", "sent", "delivered", "read"]


PARKED = "SELECT count(*) FROM parked_events"
WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


def one_number(engine: sa.Engine, query: str) -> int:
    """Return the answer to a query for a number."""
    with transaction(engine) as connection:
        return connection.execute(sa.text(query)).scalar_one()
