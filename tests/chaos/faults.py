"""What is done to the system while it works: R1, R4, R6 of the reliability tests, and outages."""

from collections.abc import Callable, Coroutine
from datetime import timedelta

from tests.chaos.arena import Arena, Trial
from tests.chaos.load import Feed, plan

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
}
"""Shares of all calls; 429 and its sisters come with the recipients (load.TROUBLE)."""


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


def provider_mishaps(count: int, *, over: timedelta) -> Trial:
    """R6: answers that are errors, come too late, or not at all."""

    async def act(arena: Arena, feed: Feed) -> None:
        del arena
        await feed.reached(1)

    return Trial(
        fault="R6 provider: 5xx, throttles, resets, time-outs",
        planned=plan(count, trouble=15),
        over=over,
        act=act,
        knobs=MISHAPS,
        echoes=2,
    )


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
