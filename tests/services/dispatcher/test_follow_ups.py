"""Results are asked for until all are known, told once, and never given up by a crash."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import pytest
import sqlalchemy as sa

from domain.failures import ErrorCode, Failure, Origin
from domain.polling import LAST_CHANCE
from runtime.kafka.producer import Producer
from runtime.postgres import transaction
from schemas.topics.provider_events import ProviderEvent, StatusReported
from schemas.topics.send_requests import SEND_REQUESTS, SendRequested
from services.dispatcher.follow_ups import AT_ONCE, LEASE, FollowUps, Taken
from services.dispatcher.store import follow_ups as store
from tests.given import NOON
from tests.services.dispatcher.dispatchers import about
from tests.services.dispatcher.gazette import GAZETTE, Clock, Gazette, an_issue
from tests.services.dispatcher.tails import Tail, header_of
from tests.vaults import the_vault

VAULT = the_vault()

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

DAY = timedelta(hours=24)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def nothing_is_followed(engine: sa.Engine) -> None:
    with transaction(engine) as connection:
        connection.execute(sa.text("DELETE FROM follow_ups"))


class Office:
    """A dispatcher's follow-ups, with a channel and a clock of the test's."""

    def __init__(self, engine: sa.Engine, producer: Producer) -> None:
        self.engine, self.producer = engine, producer
        self.gazette, self.clock = Gazette(), Clock()
        self.follow_ups = self.beside()

    def beside(self) -> FollowUps:
        """Return those of a further dispatcher."""
        return FollowUps(
            self.engine, VAULT, self.producer, {GAZETTE: self.gazette}, within=DAY, clock=self.clock
        )

    def take(self, count: int = 1) -> list[SendRequested]:
        """Let the provider have messages since noon."""
        issues = [an_issue() for _ in range(count)]
        self.follow(*issues)
        return issues

    def follow(self, *issues: SendRequested, refused: Mapping[str, Failure] | None = None) -> None:
        """Begin to follow what the provider took at noon."""
        taken = [
            Taken(
                one,
                SEND_REQUESTS.record(one, source="/t", at=NOON).value,
                f"g.{one.message_id}",
                NOON,
                refused or {},
            )
            for one in issues
        ]
        with transaction(self.engine) as connection:
            self.follow_ups.begin(connection, taken)

    async def ask_at(self, passed: timedelta) -> None:
        """Let what is due so long after noon be asked for."""
        self.clock.now = NOON + passed
        while await self.follow_ups.ask_due(GAZETTE):
            pass


@pytest.fixture
def office(engine: sa.Engine, producer: Producer) -> Office:
    return Office(engine, producer)


async def reports(facts: Tail[ProviderEvent], request: SendRequested) -> list[StatusReported]:
    said = about(await facts.read(), request.message_id)
    return [one for one in said if isinstance(one, StatusReported)]


async def told(facts: Tail[ProviderEvent], request: SendRequested) -> list[tuple[str | None, str]]:
    return [(one.participant, one.status) for one in await reports(facts, request)]


def followed(engine: sa.Engine) -> int:
    with transaction(engine) as connection:
        return connection.execute(sa.text("SELECT count(*) FROM follow_ups")).scalar_one()


async def test_each_result_is_told_once_and_the_message_is_sent_with_the_first(
    office: Office, facts: Tail[ProviderEvent]
) -> None:
    (request,) = office.take()

    await office.ask_at(MINUTE - timedelta(seconds=1))
    assert office.gazette.polls == []
    await office.ask_at(MINUTE)
    office.gazette.got["ada"] = "sent"
    await office.ask_at(2 * MINUTE)
    office.gazette.got["bob"] = "failed"
    await office.ask_at(5 * MINUTE)
    await office.ask_at(DAY)

    assert await told(facts, request) == [("ada", "sent"), (None, "sent"), ("bob", "failed")]
    assert [known for _, known in office.gazette.polls] == [set(), set(), {"ada"}]
    assert all(one.polled for one in await reports(facts, request))
    assert followed(office.engine) == 0


async def test_who_has_no_result_at_the_limit_has_failed_and_where_nobody_got_it_the_message_too(
    office: Office, facts: Tail[ProviderEvent]
) -> None:
    (request,) = office.take()

    await office.ask_at(DAY)

    word = (await reports(facts, request))[-1]
    assert await told(facts, request) == [("ada", "failed"), ("bob", "failed"), (None, "failed")]
    assert word.failure is not None
    assert word.failure.code is ErrorCode.INVALID_RECIPIENT
    assert word.failure.origin is Origin.LOCAL
    assert word.failure.detail == "no recipient got it"
    assert word.occurred_at == NOON + DAY
    assert followed(office.engine) == 0


async def test_a_provider_that_cannot_tell_is_asked_soon_and_its_absence_fails_nobody(
    office: Office, facts: Tail[ProviderEvent]
) -> None:
    (request,) = office.take()
    office.gazette.cannot_tell = True

    asked: list[int] = []
    for passed in (60, 69, 70, 89, 90):
        await office.ask_at(timedelta(seconds=passed))
        asked.append(len(office.gazette.polls))
    await office.ask_at(DAY)
    assert asked == [1, 1, 2, 2, 3]
    assert await told(facts, request) == []
    office.gazette.cannot_tell, office.gazette.got = False, {"ada": "sent", "bob": "sent"}
    await office.ask_at(DAY + LAST_CHANCE)

    assert await told(facts, request) == [("ada", "sent"), ("bob", "sent"), (None, "sent")]


async def test_a_provider_that_never_tells_is_given_up_in_the_end(
    office: Office, facts: Tail[ProviderEvent]
) -> None:
    (request,) = office.take()
    office.gazette.cannot_tell = True

    await office.ask_at(DAY + LAST_CHANCE)

    assert (await told(facts, request))[-1] == (None, "failed")
    assert followed(office.engine) == 0


async def test_a_channel_that_breaks_is_asked_again_and_holds_up_no_other_message(
    office: Office, facts: Tail[ProviderEvent]
) -> None:
    first, second = office.take(2)

    def broken() -> None:
        if len(office.gazette.polls) == 1:
            raise KeyError("results")

    office.gazette.breaks = broken
    office.gazette.got = {"ada": "sent", "bob": "sent"}
    await office.ask_at(MINUTE)
    await office.ask_at(2 * MINUTE)

    for request in (first, second):
        assert (await told(facts, request))[-1] == (None, "sent")
    assert len(office.gazette.polls) == 3


async def test_two_dispatchers_ask_for_each_message_once(office: Office) -> None:
    requests = office.take(5 * AT_ONCE)
    other = office.beside()
    office.clock.now = NOON + MINUTE

    while any(await asyncio.gather(office.follow_ups.ask_due(GAZETTE), other.ask_due(GAZETTE))):
        pass

    asked = sorted(message_id for message_id, _ in office.gazette.polls)
    assert asked == sorted(request.message_id for request in requests)


async def test_what_a_dead_dispatcher_was_asking_for_is_asked_by_another_after_its_claim(
    office: Office, facts: Tail[ProviderEvent]
) -> None:
    (request,) = office.take()
    office.gazette.got = {"ada": "sent", "bob": "sent"}
    died_at = NOON + MINUTE
    with transaction(office.engine) as connection:
        store.claim_due(connection, VAULT, GAZETTE, limit=1, now=died_at, until=died_at + LEASE)

    await office.ask_at(MINUTE + LEASE - timedelta(seconds=1))
    assert office.gazette.polls == []
    await office.ask_at(MINUTE + LEASE)

    assert (await told(facts, request))[-1] == (None, "sent")


async def test_what_was_told_before_a_crash_is_told_again_under_the_same_ids(
    office: Office, facts: Tail[ProviderEvent]
) -> None:
    (request,) = office.take()
    office.gazette.got = {"ada": "sent", "bob": "failed"}
    await office.ask_at(MINUTE)

    # As if the process had died before it could forget the message.
    office.follow(request)
    await office.ask_at(2 * MINUTE)

    await facts.read()
    ids = [header_of(one, "ce_id") for one in facts.raw if one.key == request.message_id.encode()]
    assert len(ids) == 6
    assert ids[:3] == ids[3:]


async def test_who_was_refused_at_once_is_known_and_counts(
    office: Office, facts: Tail[ProviderEvent]
) -> None:
    request = an_issue()
    office.follow(request, refused={"ada": Failure(ErrorCode.INVALID_RECIPIENT, Origin.PROVIDER)})
    office.gazette.got["bob"] = "failed"

    await office.ask_at(MINUTE)

    assert await told(facts, request) == [("bob", "failed"), (None, "failed")]
    assert office.gazette.polls == [(request.message_id, frozenset({"ada"}))]
