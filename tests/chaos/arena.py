"""One system under fire: starts it, hurts it, waits until it is whole again, has it judged."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from deploy.pipeline import Ground, Pipeline
from deploy.wiring import PHONE_NUMBER_ID
from domain.failures import ErrorCode
from runtime.clock import now
from tests.chaos.findings import Findings, Observer
from tests.chaos.judge import Truth, Verdict, judge, truth_of
from tests.chaos.load import ORDINARY, Feed, Planned
from tests.eventually import eventually

# What is in doubt is settled within seconds. In this order: a claim and its call are over before
# the claim counts as abandoned.
IMPATIENT = {
    "DISPATCHER_CLAIM_LASTS": "PT3S",
    "WHATSAPP_ANSWER_WITHIN": "PT3S",
    "DISPATCHER_ABANDONED_AFTER": "PT8S",
    "DISPATCHER_SETTLE_AFTER": "PT8S",
    # An alert is a message that nobody asked for.
    "ALERT_ROBOT": "",
}

# A life of a second, and a provider that resends callbacks soon.
QUICK_LIVES = {
    "wa.sent_ms": [10, 80],
    "wa.delivered_ms": [50, 300],
    "wa.read_ms": [50, 300],
    "wa.webhook_workers": 16,
    "wa.batch_max": 5,
    "wa.retry_plan": "fast",
}

SETTLES_WITHIN = timedelta(seconds=90)
ENDS_WITHIN = timedelta(minutes=6)
LEAVES_WITHIN = timedelta(seconds=60)
"""A service that is asked to stop ends its calls and records them first."""
ONE_EVENT = '{"at": '
"""How a line of our own services' logs begins."""
LOOK_EVERY = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A row of the matrix."""

    fault: str
    kills: int
    verdict: Verdict
    recovery: timedelta
    """From the end of the last fault until what was asked for before it had its outcome."""
    remarks: tuple[str, ...]
    """What else must not be."""
    took: timedelta
    figures: tuple[str, ...] = ()
    """What was measured, a line each."""
    is_judged: bool = True
    """Whether the messages were followed to their ends."""

    @property
    def problems(self) -> list[str]:
        """A line for each thing that failed."""
        return [*self.verdict.problems, *self.remarks]


class Stage(Protocol):
    """What `make chaos` can run and show."""

    @property
    def fault(self) -> str:
        """What is done, with the stage's number first."""
        ...

    async def attempt(self, ground: Ground) -> Outcome:
        """Run it to its end; bounded in time, whatever happens."""
        ...


class _Server(Protocol):
    """Kafka or PostgreSQL."""

    def kill(self) -> None: ...

    def start(self) -> None: ...


@dataclass(slots=True)
class Arena:
    """The running system and what has been done to it."""

    system: Pipeline
    observer: Observer
    kills: int = 0
    fault_ended_at: datetime | None = None
    remarks: list[str] = field(default_factory=list[str])
    figures: list[str] = field(default_factory=list[str])
    open: AsyncExitStack = field(default_factory=AsyncExitStack)
    """What a fault needs until the system has settled."""
    _pids: dict[str, int] = field(default_factory=dict[str, int])

    def __post_init__(self) -> None:
        """Remember who is who: only whom we kill may get another process id."""
        self._pids = {name: process.pid for name, process in self.system.processes.items()}

    async def kill(self, service: str, copy: int = 0) -> None:
        """Kill -9 one process and start it again; returns when it is ready."""
        process = self.system.process(service, copy)
        await asyncio.to_thread(process.kill)
        await asyncio.to_thread(process.start)
        self._pids[process.name] = process.pid
        self.kills += 1
        await asyncio.to_thread(self.system.wait_ready, service, copy)
        self.fault_ended_at = now()

    async def leave(self, service: str, copy: int) -> None:
        """End one process in good order (SIGTERM)."""
        await asyncio.to_thread(self.system.process(service, copy).terminate, LEAVES_WITHIN)

    async def join(self, service: str, copy: int) -> None:
        """Start it again; does not wait until it is ready."""
        process = self.system.process(service, copy)
        await asyncio.to_thread(process.start)
        self._pids[process.name] = process.pid
        self.fault_ended_at = now()

    async def kill_broker(self, away: timedelta = timedelta()) -> None:
        """Kill -9 Kafka and start it again after that time."""
        await self._kill_server(self.system.stack.kafka, away)

    async def kill_database(self, away: timedelta = timedelta()) -> None:
        """Kill -9 PostgreSQL and start it again after that time."""
        await self._kill_server(self.system.stack.postgres, away)

    async def freeze(self, members: Sequence[tuple[str, int]], span: timedelta) -> None:
        """Stop processes (SIGSTOP) for a while, all at once."""
        processes = [self.system.process(service, copy) for service, copy in members]
        for process in processes:
            process.suspend()
        await asyncio.sleep(span.total_seconds())
        for process in processes:
            process.resume()
        self.kills += len(processes)
        self.fault_ended_at = now()

    async def _kill_server(self, server: _Server, away: timedelta) -> None:
        await asyncio.to_thread(server.kill)
        await asyncio.sleep(away.total_seconds())
        await asyncio.to_thread(server.start)
        self.kills += 1
        self.fault_ended_at = now()

    def look_round(self) -> None:
        """Remark on processes that ended, or began, without us, and on what they call errors."""
        for name, process in self.system.processes.items():
            if not process.is_running():
                self.remarks.append(f"{name} ended with {process.exit_code}")
            elif process.pid != self._pids[name]:
                self.remarks.append(f"{name} was started anew")
            if errors := [line for line in _lines(process.log_path) if _is_ours(line)]:
                first = f"{errors[0]['event']} {errors[0].get('error', '')}"
                self.remarks.append(f"{name} logged {len(errors)} errors, first: {first}")


def _is_ours(line: Mapping[str, str]) -> bool:
    # An account that cannot send is the provider's trouble, told to whoever watches the log.
    return line["level"] == "error" and line["event"] != "sender.halted"


def _lines(log: Path) -> list[dict[str, str]]:
    lines = log.read_text(errors="replace").splitlines()
    return [json.loads(line) for line in lines if line.startswith(ONE_EVENT)]


Fault = Callable[[Arena, Feed], Awaitable[None]]
Truly = Callable[[Arena], Mapping[str, Truth]]
Through = Callable[[Ground, AsyncExitStack], Awaitable[Mapping[str, str]]]
"""Opens what must be there before the services start; returns settings for them."""


async def nothing_between(ground: Ground, opened: AsyncExitStack) -> Mapping[str, str]:
    """Let the services speak to the servers themselves."""
    del ground, opened
    return {}


Check = Callable[[Arena, Verdict], None]
"""Remarks on what must not be, and notes what was measured."""


def nothing_else(under_fire: Arena, verdict: Verdict) -> None:
    """Leave it at the verdict."""
    del under_fire, verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What is done to which system, under which load."""

    fault: str
    planned: Sequence[Planned]
    over: timedelta
    """Over which the messages are fed."""
    act: Fault
    copies: Mapping[str, int] = field(
        default_factory=lambda: {"dispatcher": 2, "status_projector": 2}
    )
    knobs: Mapping[str, object] = field(default_factory=dict[str, object])
    echoes: int = 0
    """How often each request comes again within the next seconds."""
    waiting: int = 0
    """How many are held to the end, which is the right end for them."""
    truly: Truly | None = None
    """How the messages must end; by the simulator's account where it is not said."""
    check: Check = nothing_else
    """What else must hold once all has settled."""
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    """Of the services, laid over the impatient ones."""
    senders: Sequence[str] = (PHONE_NUMBER_ID,)
    ends_within: timedelta = ENDS_WITHIN
    through: Through = nothing_between
    """What stands between the services and the servers; closed when all has settled."""

    async def attempt(self, ground: Ground) -> Outcome:
        """Run it to its end."""
        return await attempt(ground, self)


@asynccontextmanager
async def arena(ground: Ground, trial: Trial) -> AsyncGenerator[Arena]:
    """Run a system on that ground for the block."""
    async with AsyncExitStack() as opened:
        around = await trial.through(ground, opened)
        system = Pipeline(
            "chaos",
            ground=ground,
            copies=trial.copies,
            simulator_env={
                "SIM_PROFILE": "perfect",
                "SIM_PHONE_NUMBER_IDS": ",".join(trial.senders),
            },
            service_env=IMPATIENT | dict(trial.settings) | dict(around),
        )
        async with system:
            await asyncio.to_thread(system.simulator.set_knobs, QUICK_LIVES | dict(trial.knobs))
            zone = ZoneInfo(trial.settings.get("APP_TIMEZONE", "UTC"))
            observer = Observer(ground.database_url, ground.stack.kafka.bootstrap, zone)
            yield Arena(system, observer)


async def attempt(ground: Ground, trial: Trial) -> Outcome:
    """Run a trial to its end; bounded in time, whatever happens."""
    began = time.monotonic()
    async with arena(ground, trial) as under_fire:
        async with under_fire.open, asyncio.timeout(trial.ends_within.total_seconds()):
            await _strike(under_fire, trial)
            verdict, found = await settled(
                under_fire, trial.truly or told_by_simulator(trial.planned), trial.waiting
            )
        trial.check(under_fire, verdict)
        under_fire.look_round()
        return Outcome(
            fault=trial.fault,
            kills=under_fire.kills,
            verdict=verdict,
            recovery=recovery(under_fire, trial.planned, found),
            remarks=tuple(under_fire.remarks),
            took=timedelta(seconds=time.monotonic() - began),
            figures=tuple(under_fire.figures),
        )


async def _strike(under_fire: Arena, trial: Trial) -> None:
    pace = len(trial.planned) / trial.over.total_seconds()
    feed = Feed(under_fire.system.bootstrap, trial.planned, pace, trial.echoes)
    fed = asyncio.create_task(feed.run())
    try:
        await trial.act(under_fire, feed)
        await fed
    finally:
        fed.cancel()
        await asyncio.wait([fed])


def told_by_simulator(planned: Sequence[Planned]) -> Truly:
    """Return how the messages must end, by the simulator's account of them."""

    def truly(under_fire: Arena) -> Mapping[str, Truth]:
        lives = under_fire.system.simulator.lives()
        return {one.message_id: truth_of(one, lives.get(one.message_id)) for one in planned}

    return truly


async def settled(under_fire: Arena, truly: Truly, waiting: int = 0) -> tuple[Verdict, Findings]:
    """Return the verdict once it is a good one, or when the time for that is over."""
    observer, deadline = under_fire.observer, time.monotonic() + SETTLES_WITHIN.total_seconds()
    expected = len(await asyncio.to_thread(truly, under_fire))
    # Who waits does so in the read model and in the ledger.
    unfinished = 2 * waiting
    try:
        await eventually(
            lambda: observer.known() >= expected and observer.unfinished() == unfinished,
            within=SETTLES_WITHIN,
        )
    except AssertionError as error:
        under_fire.remarks.append(f"did not settle: {error}")
    while True:
        found = await observer.look()
        sends = await asyncio.to_thread(under_fire.system.simulator.accepted)
        verdict = judge(await asyncio.to_thread(truly, under_fire), sends, found)
        if not verdict.problems or time.monotonic() > deadline:
            return verdict, found
        await asyncio.sleep(LOOK_EVERY.total_seconds())


def recovery(under_fire: Arena, planned: Sequence[Planned], found: Findings) -> timedelta:
    """Return how long after the last fault ordinary messages from before it had their outcome."""
    ended_at = under_fire.fault_ended_at
    if ended_at is None:
        return timedelta()
    last = [
        found.last_learnt[one.message_id]
        for one in planned
        if one.kind is ORDINARY
        and (message := found.messages.get(one.message_id)) is not None
        and message.requested_at < ended_at
        and message.error_code != ErrorCode.UNKNOWN_OUTCOME
        and one.message_id in found.last_learnt
    ]
    return max([moment - ended_at for moment in last], default=timedelta())
