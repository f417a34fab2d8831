"""The way of every call of the data plane: through its faults to an answer (section 7.1)."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from simulator import faults
from simulator.wire import Answer


class Outcome(NamedTuple):
    """What a processed call is answered with, and why."""

    answer: Answer
    decision: str
    """`accepted`, `refused` or `answered` (not a send)."""
    code: int = 0
    """The provider's error code."""
    detail: str = ""
    is_throttled: bool = False
    fault: str = ""
    """What was ordered to go wrong with this answer."""
    give: faults.After | None = None
    """How the answer is given then."""


class Fate(NamedTuple):
    """What became of a call, for the ledger."""

    decision: str
    fault: str = ""
    code: int = 0
    detail: str = ""
    status: int = 0
    """HTTP status that was sent; 0 when it was withheld."""


async def conduct(
    exchange: faults.Exchange,
    decide: Callable[[], Awaitable[Outcome]],
    note: Callable[[Fate], None],
) -> None:
    """Decide and answer a call, unless a fault befalls it before or instead."""
    knobs, chance = exchange.knobs, exchange.chance
    fault = faults.before(knobs, chance)
    if fault is not None:
        name, befall = fault
        note(Fate("unprocessed", name))
        await befall(exchange)
        return
    outcome = await decide()
    slow_ms = chance.delay("net.slow_ms", knobs.net_slow_ms)
    if slow_ms > 0:
        await asyncio.sleep(slow_ms / 1000)
    answer = outcome.answer
    if outcome.is_throttled:
        answer = Answer(answer.status, answer.body, [*answer.headers, *faults.retry_after(knobs)])
    name, give = faults.after(knobs, chance)
    if outcome.fault:
        name, give = outcome.fault, outcome.give or faults.answer
    status = 0 if name in faults.WITHHOLDING else answer.status
    note(Fate(outcome.decision, name, outcome.code, outcome.detail, status))
    await give(exchange, answer)
