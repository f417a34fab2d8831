"""Whatever order records come in, the trail ends as the rules say; the database is real."""

from itertools import pairwise

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.identity import MessageId, message_id_for_fallback
from domain.lifecycle import Status
from runtime.errors import Fenced
from runtime.postgres import transaction
from tests.given import a_message_id
from tests.sealed import VAULT, personal_of
from tests.services.status_projector.facts import (
    Life,
    Projector,
    Record,
    history_of,
    model,
    stored_evidence,
)

pytestmark = pytest.mark.stack

on_the_database = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def everything_said_of(life: Life) -> list[Record]:
    return [
        life.started(),
        life.accepted(),
        life.reported("sent", 3),
        life.reported("delivered", 5),
        life.reported("delivered", 6, named=False),
        life.reported("read", 9, named=False),
        life.reported("failed", 7),
    ]


@st.composite
def dealt(draw: st.DrawFn) -> tuple[Life, list[Record], list[int]]:
    """Draw a life: some of what can be said of it, repeated, shuffled, cut into batches."""
    life = Life()
    said = everything_said_of(life)
    chosen = draw(st.lists(st.sampled_from(range(len(said))), max_size=12))
    # The acceptance is always among them: it is what names the provider's id.
    records: list[Record] = [life.request(), life.accepted(), *(said[index] for index in chosen)]
    shuffled = draw(st.permutations(records))
    cuts = draw(st.lists(st.integers(0, len(records)), max_size=4).map(sorted))
    return life, list(shuffled), cuts


@given(dealt())
@on_the_database
def test_any_order_and_repetition_ends_in_the_state_of_the_rules(
    engine: sa.Engine, projector: Projector, case: tuple[Life, list[Record], list[int]]
) -> None:
    life, records, cuts = case
    batches = [records[a:b] for a, b in pairwise([0, *cuts, len(records)])]

    for batch in batches:
        projector.apply([projector.heard(record) for record in batch])

    assert stored_evidence(engine, life.message_id) == model(records)
    history = history_of(engine, life.message_id)
    assert [number for number, _, _ in history] == list(range(1, len(history) + 1))
    steps = [Status.PENDING, *(to for _, _, to in history)]
    assert [before for _, before, _ in history] == steps[:-1]
    assert steps[-1] == model(records).status
    assert parked(engine, life) == 0


@given(dealt())
@on_the_database
def test_a_batch_that_comes_again_changes_nothing(
    engine: sa.Engine, projector: Projector, case: tuple[Life, list[Record], list[int]]
) -> None:
    life, records, _ = case
    batch = [projector.heard(record) for record in records]
    projector.apply(batch)
    before = history_of(engine, life.message_id)

    again = projector.apply(batch)

    assert again == []
    assert history_of(engine, life.message_id) == before


def test_events_wait_for_their_message_and_are_applied_with_it(
    engine: sa.Engine, projector: Projector
) -> None:
    life = Life()
    early = [life.reported("read", 9, named=False), life.reported("delivered", 5), life.accepted()]
    for record in early:
        assert projector.apply([projector.heard(record)]) == []
    assert parked(engine, life) == 3

    caused = projector.apply([projector.heard(life.request())])

    assert [one.change.to_status for one in caused] == ["delivered", "read"]
    assert {one.trigger.topic for one in caused} == {"send-requests"}
    assert parked(engine, life) == 0


def test_the_number_of_a_jobs_messages_in_each_status_follows_every_transition(
    engine: sa.Engine, projector: Projector
) -> None:
    job, lives = a_message_id(), [Life(), Life(), Life()]
    batch = [projector.heard(life.request(job_id=job)) for life in lives]
    batch += [projector.heard(life.started()) for life in lives]

    projector.apply(batch)
    projector.apply([projector.heard(lives[0].accepted()), projector.heard(lives[1].rejected())])

    statement = sa.text(
        "SELECT pending, sending, sent, delivered, read, failed FROM job_progress"
        " WHERE job_id = :job_id"
    )
    with transaction(engine) as connection:
        counts = connection.execute(statement, {"job_id": job}).one()
    assert tuple(counts) == (0, 1, 1, 0, 0, 1)


def test_an_inbound_message_is_entered_once(engine: sa.Engine, projector: Projector) -> None:
    received = Life().inbound()

    projector.apply([projector.heard(received), projector.heard(received)])
    projector.apply([projector.heard(received)])

    statement = sa.text(
        "SELECT message_id, message_direction FROM messages WHERE whatsapp_message_id = :id"
    )
    with transaction(engine) as connection:
        row = connection.execute(statement, {"id": received.provider_message_id}).one()
        personal = personal_of(connection, VAULT, row.message_id)
    assert row.message_direction == "inbound"
    assert personal is not None
    assert (personal.recipient, personal.words) == (received.author, "Is it ready?")


def test_who_lost_a_partition_writes_nothing_more(engine: sa.Engine, projector: Projector) -> None:
    life, former = Life(), Projector(engine)
    projector.take_over()

    with pytest.raises(Fenced):
        former.apply([former.heard(life.request())])

    caused = projector.apply([projector.heard(life.request()), projector.heard(life.started())])
    assert [one.change.sequence for one in caused] == [1]


def parked(engine: sa.Engine, life: Life) -> int:
    statement = sa.text(
        "SELECT count(*) FROM parked_events WHERE message_id = :id OR whatsapp_message_id = :wamid"
    )
    with transaction(engine) as connection:
        values = {"id": life.message_id, "wamid": life.provider_id}
        return connection.execute(statement, values).scalar_one()


def test_a_message_that_is_tried_once_more_is_marked_with_it(
    engine: sa.Engine, projector: Projector
) -> None:
    first, again = Life(), Life()
    instead = Life(message_id_for_fallback(MessageId(again.message_id)))
    projector.apply([projector.heard(first.request()), projector.heard(first.rejected())])

    requests = [
        again.request(original_message_id=first.message_id),
        instead.request(original_message_id=again.message_id),  # a fallback is no retry
    ]
    projector.apply([projector.heard(request) for request in requests])

    assert [retried(engine, life) for life in (first, again, instead)] == [True, False, False]


def retried(engine: sa.Engine, life: Life) -> bool:
    statement = sa.text("SELECT retried FROM messages WHERE message_id = :id")
    with transaction(engine) as connection:
        return connection.execute(statement, {"id": life.message_id}).scalar_one()
