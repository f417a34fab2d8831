"""What is done to the system while it works: R1, R4, R6 of the reliability tests, and outages."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import timedelta

from tests.chaos.arena import Arena, Trial
from tests.chaos.judge import Verdict
from tests.chaos.load import SENDERS, Feed, plan

Blow = Callable[[Arena], Coroutine[None, None, None]]

ZOMBIE_FOR = timedelta(seconds=15)
"""Longer than a consumer's session (6 s), and than a claim counts as alive (8 s)."""
AWAY_FOR = timedelta(seconds=10)

BLOWS: tuple[Blow, ...] = (
    lambda arena: arena.kill("dispatcher", 0),
    lambda arena: arena.kill("status_projector", 0),
    lambda arena: arena.kill("ingest_webhook"),
    lambda arena: arena.kill_broker(),
    lambda arena: arena.kill("dispatcher", 1),
    lambda arena: arena.kill("status_projector", 1),
    lambda arena: arena.kill_database(),
    lambda arena: arena.kill("dispatcher", 0),
    lambda arena: arena.kill("status_projector", 0),
)
"""In turn, evenly spread over the run."""

MISHAPS = {
    "net.http_5xx": 0.05,
    "net.reset_before": 0.02,
    "net.reset_after": 0.02,
    "net.timeout_before": 0.01,
    "net.timeout_after": 0.02,
    "net.bad_body": 0.01,
    "net.retry_after": "1",
    "wa.throttle_http": 429,
}
"""Shares of all calls; throttles come with the recipients (load.TROUBLE)."""

TOKEN_EXPIRED = 190
EXPIRED_FOR = timedelta(seconds=5)
KILL_EVERY = timedelta(seconds=7)
"""Of two dispatchers in turn. One that died is noticed by the broker after 6 s."""
SETTLED_BY_CALLBACK = 0.99
"""Of what is in doubt and was accepted, at least."""


def killed_in_turn(count: int, *, over: timedelta) -> Trial:
    """R1: kill -9 of everything that holds a promise, one after the other, under load."""

    async def act(arena: Arena, feed: Feed) -> None:
        for number, blow in enumerate(BLOWS, start=1):
            await feed.reached(number / (len(BLOWS) + 1))
            await blow(arena)

    return Trial(fault="R1 kill -9 of every part in turn", planned=plan(count), over=over, act=act)


def zombies(count: int, *, over: timedelta, frozen_for: timedelta = ZOMBIE_FOR) -> Trial:
    """R4: a dispatcher and a projector stop beyond their sessions, and then go on."""

    async def act(arena: Arena, feed: Feed) -> None:
        await feed.reached(0.2)
        await arena.freeze([("dispatcher", 0), ("status_projector", 0)], frozen_for)

    return Trial(
        fault=f"R4 SIGSTOP {frozen_for.total_seconds():.0f} s, SIGCONT",
        planned=plan(count),
        over=over,
        act=act,
    )


def provider_mishaps(
    count: int,
    *,
    over: timedelta,
    expired_for: timedelta = EXPIRED_FOR,
    kill_every: timedelta = KILL_EVERY,
    special: int = 5,
) -> Trial:
    """R6: answers that are errors, come too late, or not at all, while dispatchers are killed.

    ``special`` ones halt their senders for ten seconds and more: a short form does without.
    """

    async def act(arena: Arena, feed: Feed) -> None:
        over = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_kill_dispatchers(arena, kill_every, over))
            await feed.reached(0.4)
            await _let_the_token_expire(arena, expired_for)
            await feed.reached(1)
            over.set()

    return Trial(
        fault="R6 provider: every mishap, dispatchers killed",
        planned=plan(count, special=special, trouble=5, senders=SENDERS),
        over=over,
        act=act,
        check=_most_doubts_were_settled,
        knobs=MISHAPS,
        senders=SENDERS,
        echoes=1,
        ends_within=over + timedelta(minutes=6),
    )


async def _kill_dispatchers(arena: Arena, every: timedelta, over: asyncio.Event) -> None:
    copy = 0
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(every.total_seconds()):
                await over.wait()
        if over.is_set():
            return
        await arena.kill("dispatcher", copy)
        copy = 1 - copy


async def _let_the_token_expire(arena: Arena, span: timedelta) -> None:
    await asyncio.to_thread(arena.system.simulator.set_knobs, {"wa.refuse": TOKEN_EXPIRED})
    await asyncio.sleep(span.total_seconds())
    await asyncio.to_thread(arena.system.simulator.set_knobs, {"wa.refuse": 0})


def _most_doubts_were_settled(arena: Arena, verdict: Verdict) -> None:
    share = verdict.settled_share
    said = f"{share:.2%} of the doubts about accepted messages were settled by a callback"
    arena.figures.append(f"{said} ({verdict.settled}, too late for {verdict.hasty})")
    if share < SETTLED_BY_CALLBACK:
        arena.remarks.append(f"only {said}")


def broker_away(count: int, *, over: timedelta) -> Trial:
    """R2: no broker for a while."""

    async def act(arena: Arena, feed: Feed) -> None:
        await feed.reached(0.4)
        await arena.kill_broker(AWAY_FOR)

    return Trial(fault="R2 broker away 10 s", planned=plan(count), over=over, act=act)


def database_away(count: int, *, over: timedelta) -> Trial:
    """R3: no database for a while."""

    async def act(arena: Arena, feed: Feed) -> None:
        await feed.reached(0.4)
        await arena.kill_database(AWAY_FOR)

    return Trial(fault="R3 database away 10 s", planned=plan(count), over=over, act=act)
