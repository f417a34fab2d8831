"""R13 and R14: what is heavy or slow for one, and must be nobody else's trouble.

Nothing is killed here, and what waits is not waited for: rates, waits and memory are measured.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from bench.costs import MB, Meter
from bench.filling import fill
from bench.measurement import percentile
from bench.readers import reader
from bench.urgency import LISTS_MESSAGES, waits_of_urgent
from deploy.pipeline import Ground, Pipeline
from deploy.wiring import SERVICES
from schemas.topics.provider_events import PROVIDER_EVENTS, SendAccepted
from tests.chaos.arena import Outcome
from tests.chaos.judge import Verdict
from tests.chaos.load import SENDERS

PER_SECOND = 80
"""Messages of one sender: the default (WHATSAPP_MESSAGES_PER_SECOND)."""
ANSWERS_AFTER = timedelta(seconds=10)
WITHIN = 0.95
"""Of its rate alone, at least, is a sender's beside a slow one."""
GROWS_AT_MOST = 10 * MB
MOST = 200 * MB
"""Resident in any of our services while requests wait (architecture, promise 9)."""
URGENT_WITHIN = timedelta(seconds=1)
URGENT = 200
LOOK_EVERY = timedelta(seconds=2)


@dataclass(slots=True)
class Notes:
    """What was measured, and what of it must not be."""

    figures: list[str] = field(default_factory=list[str])
    remarks: list[str] = field(default_factory=list[str])

    def judge(self, figure: str, *, is_good: bool) -> None:
        """Note a figure, and remark on a bad one."""
        self.figures.append(figure)
        if not is_good:
            self.remarks.append(figure)


Weigh = Callable[[Ground, Notes], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Burden:
    """A row of the matrix that measures."""

    fault: str
    messages: int
    weigh: Weigh
    ends_within: timedelta

    async def attempt(self, ground: Ground) -> Outcome:
        """Measure, for a bounded time."""
        began, notes = time.monotonic(), Notes()
        try:
            async with asyncio.timeout(self.ends_within.total_seconds()):
                await self.weigh(ground, notes)
        except TimeoutError:
            notes.remarks.append(f"not through in {self.ends_within}")
        return Outcome(
            fault=self.fault,
            kills=0,
            verdict=Verdict(self.messages),
            recovery=timedelta(),
            remarks=tuple(notes.remarks),
            took=timedelta(seconds=time.monotonic() - began),
            figures=tuple(notes.figures),
            is_judged=False,
        )


def slow_provider(span: timedelta) -> Burden:
    """R13: the provider takes 10 s for each of sender A's; B's rate, and the memory, stay."""
    count = int(span.total_seconds() * PER_SECOND)

    async def weigh(ground: Ground, notes: Notes) -> None:
        slow, *others = SENDERS
        async with _system(ground, "dispatcher", senders=SENDERS) as system:
            rule = {
                "match": {"sender": slow},
                "knobs": {"net.slow_ms": [ANSWERS_AFTER.total_seconds() * 1_000] * 2},
            }
            await asyncio.to_thread(system.simulator.order, "/rules", rule)
            alone = await _rate(system, others[0], count)
            await fill(system.bootstrap, count, "slow", sender=slow)
            meter, sizes = Meter(system), list[int]()
            async with _looking(lambda: sizes.append(meter.look()["dispatcher"])):
                # The slow one's first calls have not ended before then.
                await asyncio.sleep(ANSWERS_AFTER.total_seconds())
                beside = await _rate(system, others[1], count)
        rates = f"{beside:.1f} messages/s beside a slow sender, {alone:.1f} alone"
        notes.judge(rates, is_good=beside >= WITHIN * alone)
        half = len(sizes) // 2
        growth = max(sizes[half:]) - max(sizes[:half])
        memory = f"the dispatcher's memory: {max(sizes) / MB:.0f} MB, {growth / MB:+.1f} MB"
        notes.judge(f"{memory} in the second half", is_good=growth <= GROWS_AT_MOST)

    return Burden(
        fault=f"R13 {ANSWERS_AFTER.total_seconds():.0f} s an answer for one sender",
        messages=3 * count,
        weigh=weigh,
        ends_within=2 * span + timedelta(minutes=2),
    )


def backlog(count: int, *, within: timedelta) -> Burden:
    """R14: so many requests wait, and an urgent one does not."""

    async def weigh(ground: Ground, notes: Notes) -> None:
        async with _system(ground, *SERVICES, senders=SENDERS) as system:
            meter = Meter(system)
            async with _looking(meter.look):
                began = time.monotonic()
                await fill(system.bootstrap, count, "backlog", sender=SENDERS[0])
                per_second = count / (time.monotonic() - began)
                await _until_put_down(ground.database_url, count)
                taken = count / (time.monotonic() - began)
                waits = await waits_of_urgent(system, URGENT, within=within)
        notes.figures.append(f"filled at {per_second:,.0f}/s, in the ledger at {taken:,.0f}/s")
        p50, p99 = (percentile(waits, share) for share in (0.5, 0.99))
        said = f"an urgent message is called after {p50 * 1_000:.0f} ms (p50)"
        is_good = p99 <= URGENT_WITHIN.total_seconds()
        notes.judge(f"{said}, {p99 * 1_000:.0f} ms (p99)", is_good=is_good)
        for name in SERVICES:
            most = meter.most_rss[name]
            notes.judge(f"{name}: {most / MB:.0f} MB at most", is_good=most <= MOST)

    return Burden(
        fault=f"R14 {count:,} requests wait", messages=count, weigh=weigh, ends_within=within
    )


@asynccontextmanager
async def _system(
    ground: Ground, *services: str, senders: Sequence[str]
) -> AsyncGenerator[Pipeline]:
    """Run services as they are set up by default, beside a provider that only counts."""
    system = Pipeline(
        "chaos",
        ground=ground,
        copies={service: int(service in services) for service in SERVICES},
        simulator_env={
            "SIM_PROFILE": "bench",
            "SIM_PHONE_NUMBER_IDS": ",".join(senders),
            **LISTS_MESSAGES,
        },
        service_env={
            "WHATSAPP_MESSAGES_PER_SECOND": f"{PER_SECOND}",
            "INGEST_RATE_PER_SOURCE": "1000000",
        },
    )
    async with system:
        await asyncio.to_thread(system.simulator.set_knobs, {"wa.pair": [0, 0]})
        yield system


@asynccontextmanager
async def _looking(look: Callable[[], object]) -> AsyncGenerator[None]:
    async def look_again() -> None:
        while True:
            look()
            await asyncio.sleep(0.25)

    task = asyncio.create_task(look_again())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _rate(system: Pipeline, sender: str, count: int) -> float:
    """Return at which rate a sender's messages are accepted, asked for all at once."""
    moments: list[datetime] = []
    keys = system.topic_keys
    async with reader(system.bootstrap, PROVIDER_EVENTS.name) as told:
        await fill(system.bootstrap, count, f"rate-{sender}", sender=sender)
        while len(moments) < count:
            for records in (await told.getmany(timeout_ms=200)).values():
                events = [keys.decode(PROVIDER_EVENTS, record) for record in records]
                moments += [
                    event.at
                    for event in events
                    if isinstance(event, SendAccepted)
                    and event.message_id.startswith(f"rate-{sender}-")
                ]
    return count / (max(moments) - min(moments)).total_seconds()


async def _until_put_down(database_url: str, count: int) -> None:
    engine = sa.create_engine(database_url, poolclass=sa.NullPool)

    def entered() -> int:
        with engine.connect() as connection:
            query = sa.text("SELECT count(*) FROM dispatch_ledger")
            return connection.execute(query).scalar_one()

    while await asyncio.to_thread(entered) < count:  # noqa: ASYNC110 - tables have no event to give
        await asyncio.sleep(LOOK_EVERY.total_seconds())
