"""A call without an answer is looked for at its provider; what is found is not called again."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from domain.identity import ProviderMessageId
from domain.ledger import Doubt, Tries
from providers.contract import Found
from runtime.kafka.producer import Producer
from runtime.postgres import transaction
from schemas.topics.provider_events import ProviderEvent, SendAccepted
from schemas.topics.send_requests import SendRequested
from services.dispatcher.finding import AT_ONCE, LEASE, Finding
from services.dispatcher.follow_ups import FollowUps, taken_from_doubts
from services.dispatcher.store import finding as store
from services.dispatcher.store import ledger
from services.dispatcher.work import Asked, Claimed, Ended, message_of
from tests.given import NOON
from tests.services.dispatcher.dispatchers import about, state_of
from tests.services.dispatcher.gazette import GAZETTE, Clock, Gazette, an_issue, from_the_stream
from tests.services.dispatcher.tails import Tail
from tests.services.status_projector.facts import Life, Projector
from tests.vaults import the_vault

VAULT = the_vault()

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

GRACE = timedelta(minutes=10)
LATER = NOON + timedelta(seconds=10)
OWNER = "test"


class Office:
    """A dispatcher's finding, with a channel and a clock of the test's."""

    def __init__(self, engine: sa.Engine, producer: Producer) -> None:
        self.engine, self.producer = engine, producer
        self.gazette, self.clock = Gazette(), Clock()
        channels = {GAZETTE: self.gazette}
        self.follow_ups = FollowUps(
            engine, VAULT, producer, channels, within=timedelta(hours=24), clock=self.clock
        )
        self.finding = self.beside()

    def beside(self) -> Finding:
        """Return that of a further dispatcher."""
        channels = {GAZETTE: self.gazette}
        return Finding(
            self.engine, VAULT, self.producer, channels, self.follow_ups, clock=self.clock
        )

    def doubt(self, count: int = 1) -> list[SendRequested]:
        """Let calls of noon end without an answer."""
        issues = [an_issue() for _ in range(count)]
        with transaction(self.engine) as connection:
            asked = [from_the_stream(one) for one in issues]
            keeps = self.follow_ups.keeps
            entries = [ledger.Entry(one) for one in asked]
            ledger.enter(connection, VAULT, entries, keeps, owner=OWNER, now=NOON)
            ended = [Ended(claimed(one), Doubt(NOON + GRACE), NOON) for one in asked]
            ledger.record(connection, VAULT, ended, keeps, now=NOON)
        return issues

    async def look_at(self, passed: float) -> None:
        """Let what is due so many seconds after noon be asked about."""
        self.clock.now = NOON + timedelta(seconds=passed)
        while await self.finding.find_due(GAZETTE):
            pass


def claimed(one: Asked) -> Claimed:
    return Claimed(one.request, one.raw, Tries(1), NOON, OWNER, message_of(one.request, GAZETTE))


@pytest.fixture
def office(engine: sa.Engine, producer: Producer) -> Office:
    with transaction(engine) as connection:
        connection.execute(sa.text("DELETE FROM dispatch_ledger"))
        connection.execute(sa.text("DELETE FROM follow_ups"))
    return Office(engine, producer)


def row(engine: sa.Engine, statement: str, request: SendRequested) -> sa.Row[tuple[object, ...]]:
    with transaction(engine) as connection:
        return connection.execute(sa.text(statement), {"id": request.message_id}).one()


ENTRY = (
    "SELECT state, whatsapp_message_id, request, due_at FROM dispatch_ledger WHERE message_id = :id"
)
FOLLOWED = "SELECT count(*) FROM follow_ups WHERE message_id = :id"


async def test_what_is_found_was_accepted_and_is_followed(
    office: Office, facts: Tail[ProviderEvent]
) -> None:
    (request,) = office.doubt()
    office.gazette.found = {request.message_id: "g.17"}

    await office.look_at(10)

    (accepted,) = about(await facts.read(), request.message_id)
    assert isinstance(accepted, SendAccepted)
    assert (accepted.provider_message_id, accepted.attempt) == ("g.17", 1)
    assert accepted.results_follow
    entry = row(office.engine, ENTRY, request)
    assert tuple(entry) == ("accepted", "g.17", None, None)
    assert row(office.engine, FOLLOWED, request)[0] == 1
    assert office.gazette.finds == [(request.message_id, NOON)]


async def test_what_is_not_found_is_looked_for_at_growing_pauses_until_the_grace_is_over(
    office: Office,
) -> None:
    (request,) = office.doubt()

    looks: list[int] = []
    for second in range(0, 700, 5):
        before = len(office.gazette.finds)
        await office.look_at(second)
        looks += [second] * (len(office.gazette.finds) - before)

    assert looks == [10, 30, 60, 120, 240, 360, 480]
    assert state_of(office.engine, request.message_id) == "in_doubt"


async def test_a_provider_that_cannot_tell_is_asked_later(office: Office) -> None:
    (request,) = office.doubt()
    office.gazette.cannot_tell = True
    office.gazette.found = {request.message_id: "g.1"}

    await office.look_at(10)
    assert state_of(office.engine, request.message_id) == "in_doubt"
    office.gazette.cannot_tell = False
    await office.look_at(30)

    assert state_of(office.engine, request.message_id) == "accepted"


async def test_two_alike_are_never_taken_for_the_same_send(
    office: Office, facts: Tail[ProviderEvent]
) -> None:
    requests = office.doubt(2)
    office.gazette.found = {one.message_id: "g.20 g.21" for one in requests}

    await office.look_at(10)

    entered = [row(office.engine, ENTRY, one).whatsapp_message_id for one in requests]
    assert sorted(entered) == ["g.20", "g.21"]
    heard = [about(await facts.read(), one.message_id) for one in requests]
    told = [one.provider_message_id for (one,) in heard if isinstance(one, SendAccepted)]
    assert told == entered


async def test_what_another_message_is_known_by_is_not_taken(office: Office) -> None:
    lost, answered = office.doubt(2)
    with transaction(office.engine) as connection:
        (known,) = store.claim(connection, VAULT, GAZETTE, limit=1, now=LATER, until=LATER)
        known = replace(known, message_id=answered.message_id)
        store.accept(connection, known, "g.30", now=NOON)
    office.gazette.found = {lost.message_id: "g.30"}

    await office.look_at(60)

    assert state_of(office.engine, lost.message_id) == "in_doubt"


async def test_what_may_come_of_a_call_in_progress_is_left_to_it(office: Office) -> None:
    lost, other = office.doubt(2)
    calling = "UPDATE dispatch_ledger SET state = 'claimed' WHERE message_id = :id"
    with transaction(office.engine) as connection:
        connection.execute(sa.text(calling), {"id": other.message_id})
    office.gazette.found = {lost.message_id: "g.40"}

    await office.look_at(10)
    assert state_of(office.engine, lost.message_id) == "in_doubt"
    with transaction(office.engine) as connection:
        accepted = calling.replace("'claimed'", "'accepted', whatsapp_message_id = 'g.41'")
        connection.execute(sa.text(accepted), {"id": other.message_id})
    await office.look_at(30)

    assert row(office.engine, ENTRY, lost)[:2] == ("accepted", "g.40")


async def test_after_a_crash_the_same_send_is_found_again(office: Office) -> None:
    (request,) = office.doubt()
    office.gazette.found = {request.message_id: "g.51 g.50"}
    with transaction(office.engine) as connection:
        (doubt,) = store.claim(connection, VAULT, GAZETTE, limit=1, now=LATER, until=LATER)
        first = Found(ProviderMessageId("g.50"), NOON)
        assert store.reserve(connection, doubt, GAZETTE, [first]) == "g.50"

    await office.look_at(30)

    assert row(office.engine, ENTRY, request)[:2] == ("accepted", "g.50")


async def test_two_dispatchers_ask_about_each_doubt_once(office: Office) -> None:
    requests = office.doubt(3 * AT_ONCE)
    other = office.beside()
    office.clock.now = NOON + timedelta(seconds=10)

    while any(await asyncio.gather(office.finding.find_due(GAZETTE), other.find_due(GAZETTE))):
        pass

    asked = sorted(message_id for message_id, _ in office.gazette.finds)
    assert asked == sorted(request.message_id for request in requests)


@pytest.mark.parametrize(
    ("meanwhile", "state"),
    [
        ("state = 'rejected', error_code = 'UNKNOWN_OUTCOME'", "accepted"),
        ("state = 'waiting'", "accepted"),
        ("state = 'claimed', attempt = 2", "claimed"),
    ],
)
async def test_what_is_found_late_counts_unless_another_attempt_has_begun(
    office: Office, meanwhile: str, state: str
) -> None:
    (request,) = office.doubt()
    now = NOON + timedelta(seconds=10)
    with transaction(office.engine) as connection:
        (claimed,) = store.claim(connection, VAULT, GAZETTE, limit=1, now=now, until=now + LEASE)
        update = f"UPDATE dispatch_ledger SET {meanwhile} WHERE message_id = :id"  # noqa: S608 - ours
        connection.execute(sa.text(update), {"id": request.message_id})

        store.accept(connection, claimed, "g.1", now=now)

    assert state_of(office.engine, request.message_id) == state


async def test_what_evidence_shows_to_be_accepted_is_followed_as_well(office: Office) -> None:
    (request,) = office.doubt()
    projector, accepted = Projector(office.engine), Life(request.message_id).accepted()
    projector.apply([projector.heard(request), projector.heard(accepted)])

    with transaction(office.engine) as connection:
        settled = store.settle_by_evidence(connection, VAULT, now=NOON)
        office.follow_ups.begin(connection, taken_from_doubts(settled))

    entry = row(office.engine, ENTRY, request)
    assert tuple(entry) == ("accepted", accepted.provider_message_id, None, None)
    assert row(office.engine, FOLLOWED, request)[0] == 1
