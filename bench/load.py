"""Requests for the benchmarks, and how they are offered: at once, or at a pace."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from bench.arena import SENDERS
from runtime.clock import now
from schemas.topics.contents import TextContent
from schemas.topics.registry import PARTITIONS
from schemas.topics.send_requests import SEND_REQUESTS, SendRequested
from schemas.topics.topic import Outgoing

SOURCE = "/sendtrail/bench"
JOB = "job_bench"
"""The messages count towards a job, as those of a campaign do: its counters belong to the life."""

RECIPIENTS = 6_000
"""+1 650 555 0000 to 5999: whoever the simulator lets receive, and read, everything."""

BARE_REQUESTS = "bench-requests"
"""What the bare loops read: the next dispatcher would send what they left on `send-requests`."""

SLICE = timedelta(milliseconds=20)
AT_ONCE = 1_000
LINGER_MS = 2


def requests(
    count: int, run: str, *, after: int = 0, senders: Sequence[str] = SENDERS
) -> list[Outgoing]:
    """Return that many requests, spread over senders and recipients.

    ``after`` says how many the simulator got before: it refuses a message to the same recipient
    within 6 s (131056). Going on where they ended, no pair of sender and recipient has its next
    turn before 12,000 messages.
    """
    numbers = range(after, after + count)
    asked = [_request(number, run, senders) for number in numbers]
    return [SEND_REQUESTS.record(request, source=SOURCE, at=now()) for request in asked]


async def bare_requests(bootstrap: str, count: int, run: str) -> list[Outgoing]:
    """Return requests for a bare loop; the topic exists."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(BARE_REQUESTS, PARTITIONS, replication_factor=1)])
    finally:
        await admin.close()
    return [replace(record, topic=BARE_REQUESTS) for record in requests(count, run)]


@asynccontextmanager
async def bare_producer(bootstrap: str) -> AsyncGenerator[AIOKafkaProducer]:
    """Lend an idempotent producer with acknowledgement by all, without anything of ours."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        acks="all",
        enable_idempotence=True,
        linger_ms=LINGER_MS,
        max_batch_size=256 * 1_024,
        max_request_size=4 * 1_024 * 1_024,
    )
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def offer(producer: AIOKafkaProducer, records: Sequence[Outgoing]) -> None:
    """Publish the records as fast as the broker takes them."""
    for start in range(0, len(records), AT_ONCE):
        await publish(producer, records[start : start + AT_ONCE])


async def offer_at(
    producer: AIOKafkaProducer, records: Sequence[Outgoing], per_second: float
) -> None:
    """Publish the records at an even pace, whatever becomes of them."""
    began, offered = time.monotonic(), 0
    while offered < len(records):
        due = min(len(records), int((time.monotonic() - began) * per_second))
        await publish(producer, records[offered:due])
        offered = due
        await asyncio.sleep(SLICE.total_seconds())


async def publish(producer: AIOKafkaProducer, records: Sequence[Outgoing]) -> None:
    """Publish a batch; returns when the broker has it."""
    futures = [
        await producer.send(
            record.topic, value=record.value, key=record.key, headers=list(record.headers)
        )
        for record in records
    ]
    await asyncio.gather(*futures)


def _request(number: int, run: str, senders: Sequence[str]) -> SendRequested:
    return SendRequested(
        message_id=f"bench-{run}-{number}",
        channel="whatsapp",
        sender_id=senders[number % len(senders)],
        recipient=f"+1650555{number // len(senders) % RECIPIENTS:04d}",
        content=TextContent(body=f"Hi Ada, your order A-{number} is ready for pickup at Elm St."),
        requested_at=now(),
        job_id=JOB,
    )
