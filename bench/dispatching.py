"""What the dispatcher does with its requests: how many, how many senders, and who goes first."""

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta

import httpx
import msgspec
import uvloop
from aiokafka import AIOKafkaConsumer

from bench.arena import SENDERS, Arena
from bench.bare_life import bare_client, calling_all
from bench.load import BARE_REQUESTS, bare_producer, bare_requests, offer, requests
from bench.measurement import BenchError, Measurement, Reading, in_turns, percentile
from bench.readers import reader, value_of
from bench.urgency import LISTS_MESSAGES, waits_of_urgent
from deploy.pipeline import Pipeline
from deploy.wiring import SERVICES
from schemas.topics.provider_events import PROVIDER_EVENTS
from schemas.topics.topic import Outgoing

TITLE = "The dispatcher"
HOW = """\
Requests are put on `send-requests` at once and lead to calls of the simulator, which calls nobody
back; the figure is the rate until the last acceptance can be read on `provider-events`. The raw
limit is a bare loop that reads as many from a topic of its own, calls with the same client,
transport and number of calls at once, and publishes each answer: no ledger, no limits, no facts.
First with 200 calls at once to a simulator that answers at once, then with 1,000 at once to one
that takes 200 ms; then with 100 senders (raw limit: our own processor time with one). Medians of
three.

Then one sender may send once a second and has 2,000 messages waiting: the rate of the other sender
after its first tenth (raw limit: its rate alone). At last, with the settings as they are by default
(80 messages a second a sender), a job of 100,000 runs, and an urgent message comes every 50 ms: the
time is from its request's record to the moment at which the simulator takes its call."""

COUNT = 6_000
IN_FLIGHT = 200
SLOW_IN_FLIGHT = 1_000
SLOW_MS = 200
MANY = tuple(str(200_000_000_000_000 + number) for number in range(100))
UNLIMITED = {"wa.rate": 0, "wa.pair": [0, 0]}
JOB = 100_000
URGENT = 200
QUICK = b'"send.accepted","messageId":"bench-quick'
ENDS_WITHIN = timedelta(seconds=180)


def run(arena: Arena) -> list[Measurement]:
    """Measure one after the other."""
    return [
        *_throughput(arena, "dispatching", IN_FLIGHT, slow_ms=0),
        *_throughput(arena, "dispatching_slow", SLOW_IN_FLIGHT, slow_ms=SLOW_MS),
        _many_senders(arena),
        _independence(arena),
        *_urgency(arena),
    ]


def _throughput(arena: Arena, name: str, in_flight: int, *, slow_ms: int) -> list[Measurement]:
    count = arena.scaled(COUNT)
    pair = in_turns(
        arena.repeats,
        ours=lambda turn: _ours(arena, count, f"{name}-{turn}", in_flight, slow_ms, SENDERS),
        bare=lambda turn: _bare(arena, count, f"{name}-bare-{turn}", in_flight, slow_ms),
    )
    return [pair.rate(f"{name}_per_s", "messages/s"), pair.cpu(f"{name}_cpu")]


def _many_senders(arena: Arena) -> Measurement:
    count = arena.scaled(COUNT)
    pair = in_turns(
        arena.repeats,
        ours=lambda turn: _ours(arena, count, f"many-{turn}", IN_FLIGHT, 0, MANY),
        bare=lambda turn: _ours(arena, count, f"one-{turn}", IN_FLIGHT, 0, SENDERS[:1]),
    )
    return pair.cpu("dispatching_cpu_of_100_senders")


def _ours(
    arena: Arena, count: int, name: str, in_flight: int, slow_ms: int, senders: Sequence[str]
) -> Reading:
    arena.say(f"{name}: {count:,} messages")
    width = max(in_flight // len(senders), 2)
    settings = {
        "DISPATCHER_CALLS_PER_SENDER": str(width),
        "WHATSAPP_CONNECTIONS": str(in_flight),
    }
    provider = {"SIM_PHONE_NUMBER_IDS": ",".join(senders)}
    with arena.system("dispatcher", simulator_env=provider, service_env=settings) as system:
        system.simulator.set_knobs(UNLIMITED | {"net.slow_ms": [slow_ms, slow_ms]})
        process = system.process("dispatcher")
        before = process.cpu_seconds()
        seconds = uvloop.run(_until_accepted(system, requests(count, name, senders=senders)))
        return Reading(count, seconds, process.cpu_seconds() - before)


async def _until_accepted(system: Pipeline, records: Sequence[Outgoing]) -> float:
    async with (
        bare_producer(system.bootstrap) as producer,
        reader(system.bootstrap, PROVIDER_EVENTS.name) as told,
    ):
        began = time.perf_counter()
        await offer(producer, records)
        await _count(told, b'"send.accepted"', len(records))
        return time.perf_counter() - began


def _bare(arena: Arena, count: int, name: str, in_flight: int, slow_ms: int) -> Reading:
    with arena.system() as system:
        system.simulator.set_knobs(UNLIMITED | {"net.slow_ms": [slow_ms, slow_ms]})
        return uvloop.run(_bare_loop(system, count, name, in_flight))


async def _bare_loop(system: Pipeline, count: int, name: str, in_flight: int) -> Reading:
    records = await bare_requests(system.bootstrap, count, name)
    async with (
        bare_producer(system.bootstrap) as producer,
        reader(system.bootstrap, BARE_REQUESTS) as asked,
        reader(system.bootstrap, PROVIDER_EVENTS.name) as told,
        bare_client(system.urls["simulator"], in_flight) as client,
        calling_all(asked, client, producer, in_flight),
    ):
        began, cpu = time.perf_counter(), time.process_time()
        await offer(producer, records)
        await _count(told, b'"messages"', len(records))
        return Reading(len(records), time.perf_counter() - began, time.process_time() - cpu)


async def _count(told: AIOKafkaConsumer, word: bytes, expected: int) -> int:
    """Read until so many records have the word; return how many had it, a few more perhaps."""
    found = 0
    try:
        async with asyncio.timeout(ENDS_WITHIN.total_seconds()):
            while found < expected:
                polled = await told.getmany(timeout_ms=100)
                for records in polled.values():
                    found += sum(word in value_of(record) for record in records)
    except TimeoutError as error:
        raise BenchError(f"{found} of {expected} messages were accepted in time") from error
    return found


def _urgency(arena: Arena) -> list[Measurement]:
    settings = {"WHATSAPP_MESSAGES_PER_SECOND": "80", "WHATSAPP_PAIR_INTERVAL": "PT6S"}
    with arena.system(*SERVICES, simulator_env=LISTS_MESSAGES, service_env=settings) as system:
        system.simulator.set_knobs({"wa.pair": [0, 0]})
        _begin_job(system, arena.scaled(JOB))
        arena.say("urgent messages behind a job")
        waits = uvloop.run(_waits_of_urgent(system, max(arena.scaled(URGENT), URGENT // 4)))
    return [
        Measurement("urgent_behind_a_job_p50", percentile(waits, 0.5) * 1_000, "ms"),
        Measurement("urgent_behind_a_job_p99", percentile(waits, 0.99) * 1_000, "ms"),
    ]


def _begin_job(system: Pipeline, count: int) -> None:
    body = {
        "name": "bench",
        "channel": "whatsapp",
        "senderId": SENDERS[0],
        "content": {"type": "text", "body": "Hi {name}"},
        "recipients": [
            {"phone": f"+1650555{number % 5_000:04d}", "variables": {"name": "Ada"}}
            for number in range(count)
        ],
    }
    with httpx.Client(trust_env=False, timeout=60, headers=system.headers) as client:
        url = f"{system.urls['scheduler']}/api/v1/jobs"
        client.post(url, content=msgspec.json.encode(body)).raise_for_status()


async def _waits_of_urgent(system: Pipeline, count: int) -> list[float]:
    async with reader(system.bootstrap, PROVIDER_EVENTS.name) as told:
        await _count(told, b'"send.accepted"', 200)  # the job is running
    return await waits_of_urgent(system, count, within=ENDS_WITHIN)


def _independence(arena: Arena) -> Measurement:
    count = arena.scaled(COUNT)
    alone = _rate_of_second(arena, count, beside=0)
    beside = _rate_of_second(arena, count, beside=max(count // 3, 200))
    return Measurement("rate_beside_a_slow_sender", beside, "messages/s", alone)


def _rate_of_second(arena: Arena, count: int, *, beside: int) -> float:
    with arena.system("dispatcher") as system:
        system.simulator.set_knobs(UNLIMITED)
        rule = {"match": {"sender": SENDERS[0]}, "knobs": {"wa.rate": 1}}
        system.simulator.order("/rules", rule)
        slow = requests(beside, f"slow-{beside}", senders=SENDERS[:1])
        quick = requests(count, f"quick-{beside}", senders=SENDERS[1:])
        return uvloop.run(_rate_of(system, slow, quick))


async def _rate_of(system: Pipeline, slow: Sequence[Outgoing], quick: Sequence[Outgoing]) -> float:
    """Return the quick ones' acceptances a second, once a tenth of them has warmed up the way."""
    async with (
        bare_producer(system.bootstrap) as producer,
        reader(system.bootstrap, PROVIDER_EVENTS.name) as told,
    ):
        await offer(producer, slow)
        await offer(producer, quick)
        left = len(quick) - await _count(told, QUICK, len(quick) // 10)
        began = time.perf_counter()
        await _count(told, QUICK, left)
        return left / (time.perf_counter() - began)
