"""L1: a sender's daily limit, asked for by several dispatchers at once (LM-01, CF-17)."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from domain.failures import ErrorCode
from domain.lifecycle import Status
from runtime.clock import now
from tests.chaos.arena import Arena, Trial, told_by_simulator
from tests.chaos.judge import Truth, Verdict
from tests.chaos.load import Feed, WhenLimited, plan

DISPATCHERS = 3
ASKED_PER_ALLOWED = 5
"""Messages that are asked for, for each that may be sent."""
UNHURRIED = "1000"
"""Messages a second: the limit of the day is what counts here."""

_OVER = Truth(Status.FAILED, frozenset({ErrorCode.DAILY_LIMIT_EXCEEDED}))
_HELD = Truth(Status.PENDING, waits=True)


def daily_limit(limit: int, *, over: timedelta, when_limited: WhenLimited) -> Trial:
    """L1: five times as many messages as their sender may send in a day."""
    planned = plan(limit * ASKED_PER_ALLOWED, special=0, trouble=0, when_limited=when_limited)
    surplus = len(planned) - limit

    async def act(arena: Arena, feed: Feed) -> None:
        del arena
        await feed.reached(1)

    def truly(arena: Arena) -> Mapping[str, Truth]:
        sent = arena.system.simulator.accepted()
        of_those_sent = told_by_simulator([one for one in planned if one.message_id in sent])
        others = _OVER if when_limited == "fail" else _HELD
        return {one.message_id: others for one in planned} | dict(of_those_sent(arena))

    def check(arena: Arena, verdict: Verdict) -> None:
        del verdict
        accepted = arena.system.simulator.accepted()
        said = f"{sum(accepted.values()):,} of {len(planned):,} accepted by the provider"
        arena.figures.append(f"{said}, the limit is {limit:,}")
        if Counter(accepted.values()) != {1: limit}:
            arena.remarks.append(f"{said}, not {limit:,} once each")

    waits = when_limited == "wait"
    return Trial(
        fault=f"L1{'b' if waits else ''} {limit:,} a day, the others {when_limited}",
        planned=planned,
        over=over,
        act=act,
        truly=truly,
        check=check,
        waiting=surplus if waits else 0,
        copies={"dispatcher": DISPATCHERS, "status_projector": 2},
        settings={
            "SENDER_DAILY_LIMIT": str(limit),
            "APP_TIMEZONE": where_it_is_noon(now()),
            "WHATSAPP_MESSAGES_PER_SECOND": UNHURRIED,
        },
    )


def where_it_is_noon(moment: datetime) -> str:
    """Return a zone in which the day is far from its end: a new one would allow as many again."""
    east = 12 - moment.astimezone(UTC).hour
    # These names count westwards.
    return f"Etc/GMT{-east:+d}"
