"""R12: dispatchers and projectors that join and leave all the time."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import cycle

from tests.chaos.arena import Arena, Trial
from tests.chaos.judge import Verdict
from tests.chaos.load import Feed, Kind, Planned, plan

EVERY = timedelta(seconds=2)
COMING_AND_GOING = (
    ("dispatcher", 1),
    ("status_projector", 1),
    ("dispatcher", 2),
    ("status_projector", 2),
)
"""In turn; the first copy of each stays."""
FEW = Kind(0, 99)
"""Recipients; so that each conversation is long."""


def rebalance_storm(count: int, *, over: timedelta) -> Trial:
    """R12: each two seconds somebody joins or leaves; conversations keep their order."""
    planned = plan(count, special=0, trouble=0, ordinary=FEW)

    async def act(arena: Arena, feed: Feed) -> None:
        over = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_come_and_go(arena, over))
            await feed.reached(1)
            over.set()
        for service, copy in COMING_AND_GOING:
            if not arena.system.process(service, copy).is_running():
                await arena.join(service, copy)

    def check(arena: Arena, verdict: Verdict) -> None:
        del verdict
        arrived = arena.system.simulator.lives()
        if wrong := out_of_order(planned, arrived):
            arena.remarks.append(f"{len(wrong)} conversations out of order: {'; '.join(wrong[:5])}")

    return Trial(
        fault=f"R12 join or leave every {EVERY.total_seconds():.0f} s",
        planned=planned,
        over=over,
        act=act,
        check=check,
        copies={"dispatcher": 3, "status_projector": 3},
        ends_within=over + timedelta(minutes=4),
    )


def out_of_order(planned: Sequence[Planned], arrived: Iterable[str]) -> list[str]:
    """Return the conversations whose messages arrived in another order than they were asked for."""
    of = {one.message_id: f"{one.sender}:{one.recipient}" for one in planned}
    asked: defaultdict[str, list[str]] = defaultdict(list)
    came: defaultdict[str, list[str]] = defaultdict(list)
    for one in planned:
        asked[of[one.message_id]].append(one.message_id)
    for message_id in arrived:
        came[of[message_id]].append(message_id)
    there = {name: set(ids) for name, ids in came.items()}
    return [
        name
        for name, ids in came.items()
        if ids != [message_id for message_id in asked[name] if message_id in there[name]]
    ]


async def _come_and_go(arena: Arena, over: asyncio.Event) -> None:
    moves = 0
    async with asyncio.TaskGroup() as tasks:
        moving: dict[tuple[str, int], asyncio.Task[None]] = {}
        for member in cycle(COMING_AND_GOING):
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY.total_seconds()):
                    await over.wait()
            if over.is_set():
                break
            # Who is still on the way out when its turn comes has the next one.
            if member not in moving or moving[member].done():
                moving[member] = tasks.create_task(_move(arena, *member))
                moves += 1
    arena.figures.append(f"{moves} times somebody joined or left")


async def _move(arena: Arena, service: str, copy: int) -> None:
    if arena.system.process(service, copy).is_running():
        await arena.leave(service, copy)
    else:
        await arena.join(service, copy)
