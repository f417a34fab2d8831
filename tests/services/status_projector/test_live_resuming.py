"""Connections that are lost and come back: nothing is missed, nothing is told twice (IM-36)."""

import asyncio
from collections.abc import Sequence

import pytest

from schemas.topics.status_changes import StatusChanged
from tests.given import a_message_id, a_status_changed
from tests.services.status_projector.conftest import StartProjector
from tests.services.status_projector.listening import Follower, frames_until, numbers_of
from tests.services.status_projector.projectors import SOON, RunningProjector, Writer, frame_from

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

GOING_AWAY = 1012
CLIENTS = 36
CHANGES = 30
"""Of each client's conversation."""


async def test_a_client_that_comes_back_hears_what_it_missed_and_nothing_twice(
    running: RunningProjector, writer: Writer
) -> None:
    message_id = a_message_id()
    changes = [a_status_changed(message_id=message_id, sequence=n) for n in range(1, 7)]

    async with running.live(f"?messageId={message_id}") as socket:
        await writer.change(changes[:2])
        before = await frames_until(socket, {"sequence": 2})
    await writer.change(changes[2:4])
    cursor = before[-1]["cursor"]
    async with running.live(f"?messageId={message_id}&cursor={cursor}") as socket:
        await writer.change(changes[4:])
        after = await frames_until(socket, {"sequence": 6})

    assert numbers_of(before, message_id) == [1, 2]
    assert numbers_of(after, message_id) == [3, 4, 5, 6]


async def test_a_client_may_go_back_to_a_cursor_while_it_is_connected(
    running: RunningProjector, writer: Writer
) -> None:
    message_id = a_message_id()
    changes = [a_status_changed(message_id=message_id, sequence=n) for n in range(1, 4)]

    async with running.live(f"?messageId={message_id}") as socket:
        await writer.change(changes)
        frames = await frames_until(socket, {"sequence": 3})
        await socket.send(f'{{"resume":"{frames[0]["cursor"]}"}}')
        again = await frames_until(socket, {"sequence": 3})

    assert again[0]["type"] == "hello"
    assert numbers_of(again, message_id) == [2, 3]


async def test_what_is_no_longer_kept_is_told_as_a_gap(
    a_projector: StartProjector, writer: Writer
) -> None:
    running = await a_projector(PROJECTOR_LIVE_KEEP="256")
    message_id = a_message_id()
    changes = [a_status_changed(message_id=message_id, sequence=n) for n in range(1, 702)]

    async with running.live() as socket:
        await writer.change(changes[:1])
        cursor = (await frame_from(socket))["cursor"]
        await writer.change(changes[1:-1])
        await frames_until(socket, {"sequence": 700})
    async with running.live(f"?messageId={message_id}&cursor={cursor}") as socket:
        frame = await frame_from(socket)
        await writer.change(changes[-1:])
        event = await frame_from(socket)

    assert frame["type"] == "gap"
    assert event["data"]["sequence"] == 701


async def test_a_restart_of_the_projector_costs_its_clients_no_change(
    a_projector: StartProjector, writer: Writer
) -> None:
    first = await a_projector()
    followers = [Follower(a_message_id()) for _ in range(CLIENTS)]
    rounds = [[a_change_for(one, number) for one in followers] for number in range(CHANGES)]

    async def publish(some: Sequence[Sequence[StatusChanged]]) -> None:
        for changes in some:
            await writer.change(changes)

    async with asyncio.timeout(SOON.total_seconds()):
        following = [asyncio.create_task(one.follow(first, CHANGES)) for one in followers]
        await asyncio.gather(*(one.greeted.wait() for one in followers))
        # The first few are told, those after them meet the end, and some find nobody there.
        await publish(rounds[:5])
        ending = asyncio.create_task(asyncio.to_thread(first.process.terminate))
        await publish(rounds[5:20])
        await asyncio.gather(ending, *following)
        second = await a_projector()
        following = [asyncio.create_task(one.follow(second, CHANGES)) for one in followers]
        await publish(rounds[20:])
        await asyncio.gather(*following)

    assert {code for one in followers for code in one.codes} == {GOING_AWAY}
    assert [one.gaps for one in followers] == [0] * CLIENTS
    for number, follower in enumerate(followers):
        told = [(changes[number].message_id, changes[number].sequence) for changes in rounds]
        assert sorted(follower.heard) == sorted(told)


async def test_a_client_that_is_let_go_is_told_where_to_go_on(
    a_projector: StartProjector, writer: Writer
) -> None:
    running = await a_projector()
    change = a_status_changed()

    async with running.live() as socket:
        await writer.change([change])
        event = await frame_from(socket)
        await asyncio.to_thread(running.process.terminate)
        bye = await frame_from(socket)

    assert bye == {"type": "bye", "reason": "going_away", "cursor": event["cursor"]}


def a_change_for(follower: Follower, number: int) -> StatusChanged:
    """Return a change of a message in the follower's conversation."""
    return a_status_changed(
        message_id=f"{follower.conversation_id}:{number}", conversation_id=follower.conversation_id
    )
