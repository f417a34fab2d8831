"""Who takes a partition over publishes what is missing, fences whom it must, and disturbs no other.

The members are in one process, so that each interleaving can be set up step by step.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence

import pytest
import pytest_asyncio
import sqlalchemy as sa

from deploy.stack import Stack
from runtime.errors import BrokerAway, Fenced
from runtime.kafka.stream import Delivery
from runtime.postgres import transaction
from schemas.topics.registry import PARTITIONS
from schemas.topics.status_changes import STATUS_CHANGES, StatusChanged
from services.status_projector.store import offsets
from tests.chaos.proxy import Fate, Proxy
from tests.eventually import eventually, seconds
from tests.services.dispatcher.tails import Tail
from tests.services.status_projector.facts import Life, Record
from tests.services.status_projector.members import (
    Member,
    a_member,
    delivered,
    events,
    requests,
    transactions_on,
)
from tests.services.status_projector.projectors import SOON, changes_of

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

CROWD = 30
TOO_LATE = seconds(5)
"""Longer than a member waits for a commit."""

P, Q = requests(0), requests(1)


@pytest_asyncio.fixture(loop_scope="module")
async def first(clean_topics: str, database_url: str) -> AsyncGenerator[Member]:
    async with a_member("first", clean_topics, database_url) as member:
        yield member


@pytest_asyncio.fixture(loop_scope="module")
async def second(clean_topics: str, database_url: str) -> AsyncGenerator[Member]:
    async with a_member("second", clean_topics, database_url) as member:
        yield member


@pytest_asyncio.fixture(loop_scope="module")
async def proxy(stack: Stack) -> AsyncGenerator[Proxy]:
    """Return a way to the broker on which commits can be waylaid."""
    async with Proxy(stack.ports.kafka) as listening:
        yield listening


@pytest_asyncio.fixture(loop_scope="module")
async def waylaid(proxy: Proxy, clean_topics: str, database_url: str) -> AsyncGenerator[Member]:
    """Return a member that publishes through the proxy."""
    async with a_member("waylaid", clean_topics, database_url, through=proxy.bootstrap) as member:
        yield member


async def some_lives(member: Member) -> list[Life]:
    """Return messages of which everything is parked: each request causes three changes."""
    lives = [Life() for _ in range(CROWD)]
    await member.own(events(0))
    await member.receive(delivered(events(0), [early for life in lives for early in said_of(life)]))
    return lives


def said_of(life: Life) -> list[Record]:
    return [life.started(), life.accepted(), life.reported("read", 9)]


def asked(lives: Sequence[Life]) -> list[Record]:
    return [life.request() for life in lives]


async def published(changes: Tail[StatusChanged], lives: Sequence[Life]) -> bool:
    """Return whether all is there; fail where something is there twice."""
    found = await changes_of(changes, lives)
    assert all(len(numbers) == len(set(numbers)) for numbers in found.values())
    return found == {life.message_id: [1, 2, 3] for life in lives}


async def test_a_round_of_many_partitions_is_one_transaction(
    first: Member, changes: Tail[StatusChanged], clean_topics: str
) -> None:
    here, there = await some_lives(first), await some_lives(first)
    await first.own(P, Q)
    before = await transactions_on(clean_topics, STATUS_CHANGES.name, PARTITIONS)

    batches = delivered(P, asked(here)), delivered(Q, asked(there))
    await first.receive(*batches)

    await eventually(lambda: published(changes, here + there), within=SOON)
    marks = await transactions_on(clean_topics, STATUS_CHANGES.name, PARTITIONS)
    assert set((marks - before).values()) == {1}
    await eventually(lambda: is_committed(first, *batches), within=SOON)


async def is_committed(member: Member, *batches: Sequence[Delivery]) -> bool:
    ends = {batch[-1].place: batch[-1].offset + 1 for batch in batches}
    return {place: await member.committed(place) for place in ends} == ends


async def test_who_is_taken_for_dead_is_fenced_by_its_name_in_the_middle_of_a_commit(
    waylaid: Member, second: Member, proxy: Proxy, changes: Tail[StatusChanged]
) -> None:
    lives, later = await some_lives(second), await some_lives(second)
    await waylaid.own(P)
    late = proxy.lay(Fate.LATE, TOO_LATE)
    batch = delivered(P, asked(lives))
    zombie = asyncio.create_task(waylaid.receive(batch))
    await late.sprung.wait()

    await second.own(P)

    # Before the late commit even arrives: it was aborted, and all of it published anew.
    await eventually(lambda: published(changes, lives), within=SOON)
    assert not late.over.is_set()
    with pytest.raises(BrokerAway):
        await zombie
    with pytest.raises(Fenced):
        await waylaid.receive(batch)
    await late.over.wait()
    await second.receive([*batch, *delivered(P, asked(later))])
    await eventually(lambda: published(changes, later), within=SOON)
    assert await published(changes, lives)


@pytest.mark.parametrize("happened", [False, True])
async def test_what_became_of_a_commit_is_found_out_before_the_batch_is_repeated(
    *, happened: bool, waylaid: Member, proxy: Proxy, changes: Tail[StatusChanged]
) -> None:
    here, there, later = [await some_lives(waylaid) for _ in range(3)]
    await waylaid.own(P, Q)
    name = waylaid.publisher.name
    batches = delivered(P, asked(here)), delivered(Q, asked(there))
    if happened:
        proxy.lay(Fate.UNANSWERED)
    # This is the client's second question then, on a new connection.
    late = proxy.lay(Fate.LATE, TOO_LATE)

    with pytest.raises(BrokerAway):
        await waylaid.receive(*batches)
    await waylaid.receive(*batches)

    await eventually(lambda: published(changes, here + there), within=SOON)
    await late.over.wait()
    await waylaid.receive(delivered(P, asked(later)))
    await eventually(lambda: published(changes, later), within=SOON)
    assert await published(changes, here + there)
    assert waylaid.publisher.name != name
    assert waylaid.owner_of(P) == waylaid.owner_of(Q) == waylaid.publisher.name


async def test_a_living_process_that_was_fenced_goes_on_under_another_name(
    first: Member, second: Member, changes: Tail[StatusChanged]
) -> None:
    here, there, later = [await some_lives(first) for _ in range(3)]
    await first.own(P, Q)
    await second.own(P)
    name, batch = first.publisher.name, delivered(Q, asked(here))

    with pytest.raises(BrokerAway):
        await first.receive(batch)
    await first.receive(batch)

    assert first.publisher.name != name
    await eventually(lambda: published(changes, here), within=SOON)
    # And neither disturbs the other any more.
    undisturbed = second.publisher.name
    await second.receive(delivered(P, asked(there)))
    await first.receive(delivered(Q, asked(later)))
    await eventually(lambda: published(changes, there + later), within=SOON)
    assert second.publisher.name == undisturbed


async def test_who_lost_a_partition_does_not_take_it_back_by_itself(
    first: Member, second: Member, changes: Tail[StatusChanged]
) -> None:
    here, there = await some_lives(first), await some_lives(first)
    await first.own(P, Q)
    await second.own(P)
    batch = delivered(P, asked(there))

    with pytest.raises(BrokerAway):
        await first.receive(delivered(Q, asked(here)))
    with pytest.raises(Fenced):
        await first.receive(batch)

    await second.receive(batch)
    await eventually(lambda: published(changes, there), within=SOON)


async def test_who_lets_go_in_peace_is_not_fenced(
    first: Member, second: Member, changes: Tail[StatusChanged]
) -> None:
    before, here, there = [await some_lives(first) for _ in range(3)]
    await first.own(P, Q)
    await first.receive(delivered(P, asked(before)))
    name = first.publisher.name

    await first.facts.let_go([P])
    await second.own(P)
    await first.receive(delivered(Q, asked(here)))
    await second.receive(delivered(P, asked(there)))

    await eventually(lambda: published(changes, before + here + there), within=SOON)
    assert first.publisher.name == name
    assert (first.owner_of(P), first.owner_of(Q)) == (second.publisher.name, name)


async def test_who_does_not_know_what_is_published_does_not_let_go(
    waylaid: Member, second: Member, proxy: Proxy, changes: Tail[StatusChanged]
) -> None:
    lives = await some_lives(waylaid)
    await waylaid.own(P)
    name = waylaid.publisher.name
    proxy.lay(Fate.LATE, TOO_LATE)
    with pytest.raises(BrokerAway):
        await waylaid.receive(delivered(P, asked(lives)))

    await waylaid.facts.let_go([P])

    assert waylaid.owner_of(P) == name
    await second.own(P)
    await eventually(lambda: published(changes, lives), within=SOON)


async def test_a_successor_that_dies_before_it_fences_leaves_the_name_to_its_own_successor(
    first: Member, second: Member
) -> None:
    lives = await some_lives(second)
    await first.own(P, Q)
    with transaction(first.engine) as connection:
        offsets.claim(connection, [(P.topic, P.partition)])

    await second.own(P)

    with pytest.raises(BrokerAway):
        await first.receive(delivered(Q, asked(lives)))


async def test_what_a_broken_off_round_has_applied_is_published_by_the_next(
    first: Member, changes: Tail[StatusChanged]
) -> None:
    lives = await some_lives(first)
    await first.own(P)
    batch = delivered(P, asked(lives))
    with transaction(first.engine) as connection:
        connection.execute(LOCK_PLACES)
        round_ = asyncio.create_task(first.receive(batch))
        await eventually(lambda: is_waiting(first), within=SOON)
        round_.cancel()
    await eventually(lambda: first.applied(P) == batch[-1].offset + 1, within=SOON)

    await first.receive(batch)

    await eventually(lambda: published(changes, lives), within=SOON)


LOCK_PLACES = sa.text("SELECT 1 FROM applied_offsets FOR UPDATE")
WAITING = sa.text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")


def is_waiting(member: Member) -> bool:
    """Return whether somebody waits for a row of the database."""
    with transaction(member.engine) as connection:
        return connection.execute(WAITING).scalar_one() > 0


async def test_no_older_offset_follows_when_records_come_again_beside_new_ones(
    first: Member, second: Member, changes: Tail[StatusChanged]
) -> None:
    here, there = await some_lives(first), await some_lives(first)
    await first.own(P)
    batch = delivered(P, asked(here))
    await first.receive(batch)
    await second.own(P, Q)

    new = delivered(Q, asked(there))
    await second.receive(batch[: CROWD // 2], new)

    await eventually(lambda: is_committed(second, new), within=SOON)
    assert await second.committed(P) == batch[-1].offset + 1
    assert await published(changes, here + there)
