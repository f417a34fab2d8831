"""How long an urgent message takes to its call, whatever is waiting (TP-04, IM-13)."""

import asyncio
from datetime import timedelta
from typing import Final

from aiokafka import AIOKafkaConsumer

from bench.arena import SENDERS
from bench.load import SOURCE, bare_producer, publish
from bench.measurement import BenchError
from bench.readers import KEYS, reader
from deploy.pipeline import Pipeline
from runtime.clock import now
from schemas.topics.contents import TextContent
from schemas.topics.provider_events import PROVIDER_EVENTS, SendAccepted, SendRejected
from schemas.topics.send_requests import SEND_REQUESTS, SendRequested

EVERY: Final = timedelta(milliseconds=50)


LISTS_MESSAGES: Final = {"SIM_LEDGER": "full"}
"""What the simulator must be told, so that it knows afterwards when each call came."""


async def waits_of_urgent(system: Pipeline, count: int, *, within: timedelta) -> list[float]:
    """Ask for urgent messages one by one; return the seconds from each record to its call.

    The call is where the provider takes it, by the simulator's clock (which is this machine's).
    The simulator has to list its messages (`LISTS_MESSAGES`).
    """
    asked: dict[str, float] = {}
    async with (
        bare_producer(system.bootstrap) as producer,
        reader(system.bootstrap, PROVIDER_EVENTS.name) as told,
        asyncio.timeout(within.total_seconds()),
    ):
        for number in range(count):
            request = _urgent(number)
            asked[request.message_id] = now().timestamp()
            await publish(producer, [SEND_REQUESTS.record(request, source=SOURCE, at=now())])
            await asyncio.sleep(EVERY.total_seconds())
        await _until_accepted(told, set(asked))
        lives = await asyncio.to_thread(system.simulator.lives)
    return [lives[message_id].accepted_at.timestamp() - at for message_id, at in asked.items()]


async def _until_accepted(told: AIOKafkaConsumer, left: set[str]) -> None:
    while left:
        for records in (await told.getmany(timeout_ms=100)).values():
            for record in records:
                event = KEYS.decode(PROVIDER_EVENTS, record)
                if isinstance(event, SendAccepted):
                    left.discard(event.message_id)
                elif isinstance(event, SendRejected) and event.message_id in left:
                    raise BenchError(f"{event.message_id} was rejected: {event.failure.code}")


def _urgent(number: int) -> SendRequested:
    return SendRequested(
        message_id=f"bench-urgent-{number}",
        channel="whatsapp",
        sender_id=SENDERS[0],
        recipient=f"+1650555{5_000 + number:04d}",
        content=TextContent(body="Your code is 1234."),
        requested_at=now(),
        priority="high",
    )
