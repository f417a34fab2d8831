"""Each transition is published once, whoever dies between the database and the topic."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import pytest
import sqlalchemy as sa
from aiokafka import ConsumerRecord

from deploy.stack import Stack
from runtime.clock import now
from runtime.postgres import transaction
from schemas.topics.provider_events import PROVIDER_EVENTS
from schemas.topics.send_requests import SEND_REQUESTS
from schemas.topics.status_changes import StatusChanged
from schemas.topics.topic import Topic
from services.status_projector.apply import apply
from services.status_projector.heard import Heard, Trigger
from services.status_projector.store import offsets
from tests.eventually import eventually
from tests.sealed import VAULT
from tests.services.dispatcher.tails import Tail, header_of, reading_all
from tests.services.status_projector.conftest import StartProjector
from tests.services.status_projector.facts import ZONE, Life, history_of
from tests.services.status_projector.projectors import (
    SOON,
    WHOLE,
    Writer,
    changes_of,
    last_statuses,
    whole,
)
from tests.topic_keys import TOPIC_KEYS

pytestmark = [
    pytest.mark.stack,
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="module"),
]

CROWD = 40


async def test_what_was_committed_and_not_published_is_published_by_the_next_process(
    a_projector: StartProjector,
    writer: Writer,
    changes: Tail[StatusChanged],
    engine: sa.Engine,
    clean_topics: str,
) -> None:
    lives = [Life() for _ in range(CROWD)]
    for life in lives:
        await writer.write(whole(life))
    # As by a process that is killed after its database commit, at another place in each partition.
    await apply_and_die(engine, clean_topics)
    begun = sum(len(history_of(engine, life.message_id)) for life in lives)
    assert 0 < begun < len(WHOLE) * CROWD

    await a_projector()
    await eventually(lambda: all_read(changes, lives), within=SOON)

    assert await changes_of(changes, lives) == numbered(lives)
    assert [history_of(engine, life.message_id) for life in lives] == [HISTORY] * CROWD
    ids = [header_of(record, "ce_id") for record in changes.raw]
    assert len(ids) == len(set(ids))


HISTORY = [
    (number, before, after)
    for number, (before, after) in enumerate(
        zip(["pending", *WHOLE[:-1]], WHOLE, strict=True), start=1
    )
]


def numbered(lives: Sequence[Life]) -> dict[str, list[int]]:
    return {life.message_id: [1, 2, 3, 4] for life in lives}


async def all_read(changes: Tail[StatusChanged], lives: Sequence[Life]) -> bool:
    return await last_statuses(changes, lives) == {"read"}


async def apply_and_die(engine: sa.Engine, bootstrap: str) -> None:
    """Apply the first part of what is new in each partition, and publish nothing."""
    topics: list[Topic[Any]] = [SEND_REQUESTS, PROVIDER_EVENTS]
    for topic in topics:
        by_partition: defaultdict[int, list[ConsumerRecord[bytes, bytes]]] = defaultdict(list)
        async with reading_all(topic, bootstrap) as tail:
            await tail.read()
        for record in tail.raw:
            by_partition[record.partition].append(record)
        for number, records in by_partition.items():
            with transaction(engine) as connection:
                place = (topic.name, number)
                claim = offsets.claim(connection, [place])[place]
                offsets.sign(connection, {place: claim.epoch}, "killed")
                new = [record for record in records if record.offset >= claim.next_offset]
                part = new if topic is SEND_REQUESTS else new[: len(new) * 2 // 3]
                batch = [heard(record) for record in part]
                apply(connection, VAULT, batch, {place: claim.epoch}, now(), ZONE)


def heard(record: ConsumerRecord[bytes, bytes]) -> Heard:
    """Return a record as a stream hands it over."""
    topic = SEND_REQUESTS if record.topic == SEND_REQUESTS.name else PROVIDER_EVENTS
    raw, headers = TOPIC_KEYS.clear(record)
    trigger = Trigger(record.topic, record.partition, record.offset)
    return Heard(trigger, topic.decode(raw), record.key, raw or b"", headers)


async def test_a_second_process_takes_over_without_a_loss_and_without_a_repetition(
    a_projector: StartProjector,
    writer: Writer,
    changes: Tail[StatusChanged],
    engine: sa.Engine,
) -> None:
    first = await a_projector()
    early, late, last = ([Life() for _ in range(CROWD)] for _ in range(3))
    for life in early:
        await writer.write(whole(life))
    await eventually(lambda: some_change(changes, early), within=SOON)

    await a_projector()
    for life in late:
        await writer.write(whole(life))
    await eventually(lambda: some_change(changes, late), within=SOON)
    first.process.kill()
    for life in last:
        await writer.write(whole(life))
    lives = [*early, *late, *last]
    await eventually(lambda: all_read(changes, lives), within=SOON)

    assert await changes_of(changes, lives) == numbered(lives)
    assert [history_of(engine, life.message_id) for life in lives] == [HISTORY] * len(lives)


async def test_a_process_that_joins_or_ends_in_peace_disturbs_nobody(
    a_projector: StartProjector,
    writer: Writer,
    changes: Tail[StatusChanged],
    engine: sa.Engine,
) -> None:
    early, late, last = ([Life() for _ in range(CROWD)] for _ in range(3))
    first = await a_projector(PROJECTOR_OWNER="first")
    await writer.write([record for life in early for record in whole(life)])
    await eventually(lambda: all_read(changes, early), within=SOON)

    second = await a_projector(PROJECTOR_OWNER="second")
    await eventually(lambda: is_let_go(engine), within=SOON)
    await writer.write([record for life in late for record in whole(life)])
    await eventually(lambda: all_read(changes, late), within=SOON)
    shared = owners(engine)
    await asyncio.to_thread(second.process.terminate)
    await writer.write([record for life in last for record in whole(life)])
    await eventually(lambda: all_read(changes, last), within=SOON)

    assert shared == {"first#1", "second#1"}
    assert owners(engine) == {"first#1"}
    assert first.process.is_running()
    lives = [*early, *late, *last]
    assert await changes_of(changes, lives) == numbered(lives)


def is_let_go(engine: sa.Engine) -> bool:
    return not owners(engine)


def owners(engine: sa.Engine) -> set[str]:
    """Return under which names, without their random parts, the test's processes own partitions."""
    query = sa.text(
        "SELECT regexp_replace(owner, ':.*#', '#') FROM applied_offsets"
        " WHERE owner ~ '^(first|second):'"
    )
    with transaction(engine) as connection:
        return set(connection.execute(query).scalars())


async def some_change(changes: Tail[StatusChanged], lives: Sequence[Life]) -> bool:
    return any((await changes_of(changes, lives)).values())


async def test_a_database_that_dies_under_the_batches_costs_no_change(
    a_projector: StartProjector,
    writer: Writer,
    changes: Tail[StatusChanged],
    stack: Stack,
) -> None:
    projector = await a_projector(PROJECTOR_BATCH="50")
    process = projector.process.pid
    lives = [Life() for _ in range(5 * CROWD)]
    await writer.write([record for life in lives for record in whole(life)])
    await eventually(lambda: some_change(changes, lives), within=SOON)

    await asyncio.to_thread(stack.postgres.kill)
    await asyncio.to_thread(stack.postgres.start)
    await eventually(lambda: all_read(changes, lives), within=SOON)

    assert await changes_of(changes, lives) == numbered(lives)
    assert projector.process.pid == process
