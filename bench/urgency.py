"""How long an urgent message takes to its call, whatever is waiting (TP-04, IM-13)."""

import asyncio
from datetime import timedelta
from typing import Final

from bench.arena import SENDERS
from bench.load import SOURCE, bare_producer, publish
from bench.readers import reader
from runtime.clock import now
from schemas.topics.contents import TextContent
from schemas.topics.provider_events import PROVIDER_EVENTS, SendStarted
from schemas.topics.send_requests import SEND_REQUESTS, SendRequested

EVERY: Final = timedelta(milliseconds=50)


async def waits_of_urgent(bootstrap: str, count: int, *, within: timedelta) -> list[float]:
    """Ask for urgent messages one by one; return the seconds from each record to its call."""
    started: dict[str, float] = {}
    asked: dict[str, float] = {}
    async with (
        bare_producer(bootstrap) as producer,
        reader(bootstrap, PROVIDER_EVENTS.name) as told,
        asyncio.timeout(within.total_seconds()),
    ):
        for number in range(count):
            request = _urgent(number)
            asked[request.message_id] = now().timestamp()
            await publish(producer, [SEND_REQUESTS.record(request, source=SOURCE, at=now())])
            await asyncio.sleep(EVERY.total_seconds())
        while len(started) < count:
            polled = await told.getmany(timeout_ms=100)
            for records in polled.values():
                for record in records:
                    event = PROVIDER_EVENTS.decode(record.value)
                    if isinstance(event, SendStarted) and event.message_id in asked:
                        started.setdefault(event.message_id, event.at.timestamp())
    return [started[message_id] - at for message_id, at in asked.items()]


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
