"""What is reported of single recipients is theirs, and the message's status stays its own."""

from itertools import pairwise

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.identity import MessageId, message_id_for_fallback
from domain.lifecycle import Evidence, learn
from runtime.clock import now
from runtime.postgres import transaction
from schemas.topics.provider_events import SendAccepted, StatusReported
from services.status_projector.facts import reported
from services.status_projector.projection import Changes, Participant
from services.status_projector.store import participants
from services.status_projector.store.people import people_of
from tests.given import a_message_id
from tests.sealed import VAULT, statuses_of_participants
from tests.services.status_projector.facts import (
    Life,
    Projector,
    Record,
    history_of,
    stored_evidence,
)

pytestmark = pytest.mark.stack

ADA, BOB = "wmAda", "wmBob"


def of(participant: str, report: StatusReported) -> StatusReported:
    return msgspec.structs.replace(report, participant=participant)


def taken(life: Life) -> SendAccepted:
    """Return the acceptance of a task whose results follow."""
    return msgspec.structs.replace(life.accepted(), results_follow=True)


def everything_said_of(life: Life) -> list[StatusReported]:
    return [
        of(who, report)
        for who in (ADA, BOB)
        for report in (
            life.reported("sent", 3),
            life.reported("delivered", 5, named=False),
            life.reported("read", 9),
            life.reported("failed", 7),
            life.reported("failed", 4),
        )
    ]


@st.composite
def dealt(draw: st.DrawFn) -> tuple[Life, list[Record], list[int]]:
    """Draw some of what can be said of two participants, repeated, shuffled, cut into batches."""
    life = Life()
    said = draw(st.lists(st.sampled_from(everything_said_of(life)), max_size=10))
    records = draw(st.permutations([life.request(), taken(life), *said]))
    cuts = draw(st.lists(st.integers(0, len(records)), max_size=4).map(sorted))
    return life, list(records), cuts


@given(dealt())
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_participant_is_what_the_rules_make_of_all_that_was_said(
    engine: sa.Engine, projector: Projector, case: tuple[Life, list[Record], list[int]]
) -> None:
    life, records, cuts = case
    batches = [records[a:b] for a, b in pairwise([0, *cuts, len(records)])]

    for batch in batches:
        projector.apply([projector.heard(record) for record in batch])

    known: dict[str, Evidence] = {}
    for record in records:
        if isinstance(record, StatusReported) and record.participant is not None:
            heard = known.get(record.participant, Evidence())
            known[record.participant] = learn(heard, reported(record))
    assert statuses(engine, life) == {who: one.status for who, one in known.items()}
    again = {Participant(life.message_id, "whatsapp", who): known[who] for who in known}
    with transaction(engine) as connection:
        people = people_of(connection, VAULT, Changes(participants=again), now())
        participants.learn(connection, again, people, now())
    assert statuses(engine, life) == {who: one.status for who, one in known.items()}
    assert stored_evidence(engine, life.message_id) == Evidence()


def test_the_message_moves_by_its_own_word_alone(engine: sa.Engine, projector: Projector) -> None:
    life = Life()
    said = [
        life.request(),
        life.started(),
        taken(life),
        of(ADA, life.reported("sent", 3)),
        of(BOB, life.reported("failed", 4)),
    ]

    projector.apply([projector.heard(record) for record in said])
    assert [to for _, _, to in history_of(engine, life.message_id)] == ["sending"]
    word = msgspec.structs.replace(life.reported("sent", 3), polled=True)
    caused = projector.apply([projector.heard(word)])

    assert [(one.change.to_status, one.change.source) for one in caused] == [("sent", "polling")]
    assert statuses(engine, life) == {ADA: "sent", BOB: "failed"}


def test_a_participants_failure_keeps_its_reason(engine: sa.Engine, projector: Projector) -> None:
    life = Life()
    said = [life.request(), life.accepted(), of(BOB, life.reported("failed", 4))]

    projector.apply([projector.heard(record) for record in said])

    query = sa.text(
        "SELECT error_code, error_message FROM message_participants WHERE message_id = :id"
    )
    with transaction(engine) as connection:
        row = connection.execute(query, {"id": life.message_id}).one()
    assert tuple(row) == ("INVALID_RECIPIENT", "Recipient phone number is invalid.")


def test_what_is_said_of_a_participant_waits_for_the_message(
    engine: sa.Engine, projector: Projector
) -> None:
    life = Life()
    early = of(ADA, life.reported("delivered", 5, named=False))

    projector.apply([projector.heard(early)])
    assert statuses(engine, life) == {}
    projector.apply([projector.heard(life.request()), projector.heard(life.accepted())])

    assert statuses(engine, life) == {ADA: "delivered"}


def test_a_job_counts_a_message_and_not_its_fallback_beside_it(
    engine: sa.Engine, projector: Projector
) -> None:
    job, life = a_message_id(), Life()
    instead = Life(message_id_for_fallback(MessageId(life.message_id)))
    fallback = instead.request(job_id=job, original_message_id=life.message_id)

    projector.apply([projector.heard(life.request(job_id=job)), projector.heard(fallback)])
    projector.apply([projector.heard(life.rejected()), projector.heard(instead.accepted())])

    query = sa.text("SELECT pending, sent, failed FROM job_progress WHERE job_id = :job_id")
    with transaction(engine) as connection:
        counts = connection.execute(query, {"job_id": job}).one()
    assert tuple(counts) == (0, 0, 1)
    assert [to for _, _, to in history_of(engine, instead.message_id)] == ["sent"]


def statuses(engine: sa.Engine, life: Life) -> dict[str | None, str]:
    with transaction(engine) as connection:
        return statuses_of_participants(connection, VAULT, life.message_id)
