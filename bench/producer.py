"""What our producer costs on top of a bare one."""

import asyncio
import time
from datetime import timedelta

import uvloop

from bench.arena import Arena
from bench.load import bare_producer, publish, requests
from bench.measurement import Measurement, Reading, in_turns
from bench.readers import KEYS
from runtime.kafka.producer import Producer

TITLE = "The producer"
HOW = """\
20,000 requests, made beforehand, are published in batches of 500, each batch after the one before
was acknowledged: by our `Producer` (bounded in time, undecided records watched, sealed) and by
aiokafka's with the same settings (idempotent, acknowledged by all, 2 ms linger), whose futures are
gathered. Medians of three."""

RECORDS = 20_000
BATCH = 500
WITHIN = timedelta(seconds=10)


def run(arena: Arena) -> list[Measurement]:
    """Publish the same records in both ways."""
    count = arena.scaled(RECORDS)
    bootstrap = arena.bootstrap
    pair = in_turns(
        arena.repeats,
        ours=lambda number: uvloop.run(_ours(bootstrap, count, f"ours-{number}")),
        bare=lambda number: uvloop.run(_bare(bootstrap, count, f"bare-{number}")),
    )
    return [pair.rate("producer_records_per_s", "records/s"), pair.cpu("producer_cpu_per_record")]


async def _ours(bootstrap: str, count: int, name: str) -> Reading:
    records = requests(count, name)
    producer = Producer(bootstrap, name, KEYS)
    await producer.reach(within=WITHIN)
    began, cpu = time.perf_counter(), time.process_time()
    for start in range(0, count, BATCH):
        await producer.publish(records[start : start + BATCH], within=WITHIN)
    reading = Reading(count, time.perf_counter() - began, time.process_time() - cpu)
    await producer.stop()
    return reading


async def _bare(bootstrap: str, count: int, name: str) -> Reading:
    records = requests(count, name)
    async with bare_producer(bootstrap) as producer, asyncio.timeout(60):
        began, cpu = time.perf_counter(), time.process_time()
        for start in range(0, count, BATCH):
            await publish(producer, records[start : start + BATCH])
        return Reading(count, time.perf_counter() - began, time.process_time() - cpu)
