"""The whole pipeline on real parts: how much, how dear, how late (architecture, Budgets)."""

import asyncio
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import uvloop

from bench.arena import Arena
from bench.bare_life import BareLife, bare_life
from bench.bare_relay import bare_relay
from bench.costs import KAFKA, MB, POSTGRESQL, Meter, our_services
from bench.life import WARM_UP, AtCapacity, Steadily, at_capacity, steadily, warm_up
from bench.measurement import BenchError, Measurement, percentile
from deploy.pipeline import Pipeline
from deploy.wiring import SERVICES, SIMULATOR

TITLE = "The whole pipeline"
HOW = """\
All services, the simulator (profile `bench`: it reports sent, delivered and read after 50, 150 and
350 ms; a callback that was refused comes again after 250 ms), Kafka and PostgreSQL run on one
machine, each service once. After 1,000 messages to warm up, **capacity**: all messages are put on
`send-requests` at once; the rate is their number over the time from the first one offered to the
last `read` seen by a read_committed consumer of `status-changes`. The processor time of that
stretch, user and system, is divided by the number of messages; PostgreSQL's counts its sessions.
**Latency**: then half of that rate is offered evenly for 20 s, and as long 200 messages/s, half of
the rate that is promised. For each `delivered` and `read`, the
delay runs from the `ce_time` of its record on `provider-events` (the ingester has the callback in
hand) until the change was handed to that consumer; beside it stands which share of the callbacks
could be timed so. A callback that was refused and left no record counts from its repetition. The
backlog's growth is the slope of the messages on their way over the second half of that time: near
zero while the system keeps up. **Memory** is the most that was resident in both stretches; its raw
limit is the same process just started. The simulator's verdict is checked: no message was sent
twice, no call was refused. **Raw limits**: rate and processor time of a bare loop that leads
messages through the same life with 64 calls in flight (consume a request, call the simulator,
produce the answer; an ASGI application that checks the signature and produces the callback's bytes;
consume until all are read) and has neither ledger nor database nor projection; the latency of a
loop that copies as many events a second from one topic to another in one Kafka transaction a
batch."""

HALF_OF_PROMISED = 200
"""Messages a second: half of the budget (architecture), whatever more the machine takes."""
RELAY_SECONDS = 6
EVENTS_EACH = 2
"""Of a message's callbacks, those whose delay is measured."""
LEAST_BARE = 500
BARE_SHARE = 2
"""The bare loop gets by with half of the messages."""


@dataclass(frozen=True, slots=True)
class Life:
    """What was seen of the system."""

    capacity: AtCapacity
    half_load: Steadily
    half_promise: Steadily
    idle_rss: dict[str, int]
    most_rss: dict[str, int]


def run(arena: Arena) -> list[Measurement]:
    """Measure the pipeline, then the bare loops."""
    with arena.system(*SERVICES) as system:
        # The plan of a real provider would make a minute of a callback that met a busy moment.
        system.simulator.set_knobs({"wa.retry_plan": "fast"})
        life = uvloop.run(_lead(arena, system))
        _check(system)
    arena.say("the bare loop")
    bare = bare_life(arena, max(LEAST_BARE, arena.messages // BARE_SHARE))
    arena.say("the bare relay")
    rate, limit = life.capacity.reading.per_second, bare.reading.per_second
    return [
        Measurement("full_life_messages_per_s", rate, "messages/s", limit),
        *_delays(arena, life.half_load, "half_load"),
        *_delays(arena, life.half_promise, f"{HALF_OF_PROMISED}_per_s"),
        Measurement("full_life_callbacks_timed", life.half_load.timed_share * 100, "%"),
        Measurement("full_life_backlog_growth", _slope(life.half_load.backlog), "messages/s"),
        *_cpu(life.capacity, bare),
        *_memory(life),
    ]


async def _lead(arena: Arena, system: Pipeline) -> Life:
    meter = Meter(system)
    idle = meter.look()
    looking = asyncio.create_task(meter.watch())
    try:
        arena.say("warming up")
        await warm_up(system)
        capacity = await at_capacity(arena, system, meter)
        sent = WARM_UP + arena.messages
        half_load = await steadily(arena, system, capacity.reading.per_second / 2, after=sent)
        sent += len(half_load.delays)
        half_promise = await steadily(arena, system, HALF_OF_PROMISED, after=sent)
    finally:
        looking.cancel()
    return Life(capacity, half_load, half_promise, idle, meter.most_rss)


def _check(system: Pipeline) -> None:
    """Refuse figures of a system that did wrong: speed is worth nothing then."""
    twice = system.simulator.verdict().sent_twice
    if twice:
        raise BenchError(f"{twice} messages were sent twice")
    refused = system.simulator.counts()["throttled"]
    if refused:
        raise BenchError(f"the simulator refused {refused} calls: its limits were measured, not us")


def _delays(arena: Arena, steady: Steadily, name: str) -> list[Measurement]:
    events = steady.per_second * EVENTS_EACH
    relayed = bare_relay(arena, per_second=events, seconds=RELAY_SECONDS)
    return [
        Measurement(
            f"full_life_callback_to_visible_{name}_{percent}",
            percentile(steady.delays, share) * 1_000,
            "ms",
            percentile(relayed, share) * 1_000,
        )
        for percent, share in (("p50", 0.5), ("p99", 0.99))
    ]


def _cpu(capacity: AtCapacity, bare: BareLife) -> list[Measurement]:
    """Return CPU a message; a process that the bare loop does without has no raw limit."""
    total = our_services(capacity.cpu_ms), our_services(bare.cpu_ms)
    names = [*SERVICES, KAFKA, POSTGRESQL, SIMULATOR]
    limits = {name: ms for name, ms in bare.cpu_ms.items() if name != POSTGRESQL}
    return [
        Measurement("full_life_cpu", total[0], "ms/message", total[1]),
        *(
            Measurement(
                f"full_life_cpu_{name}", capacity.cpu_ms[name], "ms/message", limits.get(name)
            )
            for name in names
        ),
    ]


def _memory(life: Life) -> list[Measurement]:
    return [
        Measurement(f"full_life_rss_{name}", most / MB, "MB", life.idle_rss[name] / MB)
        for name, most in life.most_rss.items()
    ]


def _slope(backlog: Sequence[tuple[float, int]]) -> float:
    """Return by how many messages a second the backlog grew in the second half."""
    later = backlog[len(backlog) // 2 :]
    seconds, sizes = [at for at, _ in later], [size for _, size in later]
    return statistics.linear_regression(seconds, sizes).slope
